using System.Globalization;
using InterpActors.Actors.Journal;
using InterpActors.Host.Hosting;
using InterpActors.Messages.Studies;
using Xunit.Abstractions;

namespace InterpActors.Cluster.Tests;

/// <summary>
/// The only coordinator killed again and again while a study runs, with the settings that ship. <c>INTERP_TEST_KILLS</c> says how often;
/// unset, few times.
/// </summary>
public sealed class RepeatedKillsTests(SmallStudy small, ITestOutputHelper output)
    : ClusterTest(small), IClassFixture<SmallStudy>
{
    private static int Kills(int usually) =>
        int.TryParse(Environment.GetEnvironmentVariable("INTERP_TEST_KILLS"), CultureInfo.InvariantCulture, out var kills)
            ? kills : usually;

    [Fact]
    public async Task The_only_coordinator_comes_back_on_its_file_each_time()
    {
        var journal = new JournalFile(At("coordinator/journal.db"));
        string[] arguments = ["--roles", "coordinator", "--data", At("coordinator")];
        var coordinator = await NodeProcess.StartAsync(arguments);
        try
        {
            await using var here = await ClusterNode.StartAsync(
                new ClusterNodeOptions(["compute"], At("here"), Engine, Engine) { Seeds = [coordinator.Address] });
            using var desk = new StudyDesk(() => here.Membership, journal, new ComputedLog(At("here/computed.log")));
            await desk.SubmitAsync(Small.Study);
            for (var kill = 1; kill <= Kills(2); kill++)
            {
                var history = await Committed(desk, 1);
                if (history.Committed == history.Planned) break;
                output.WriteLine($"kill {kill} at {history.Committed} of {history.Planned}");
                await coordinator.KillAsync();
                coordinator.Dispose();
                coordinator = await NodeProcess.StartAsync([.. arguments, "--port", coordinator.Address.Split(':')[1]]);
            }
            await Until(desk, p => p.State == RunState.Completed);
            await CheckResults(desk, journal);
            await CheckWaste(desk);
        }
        finally
        {
            coordinator.Dispose();
        }
    }

    /// <summary>Waits for this many further results; what the journal tells then.</summary>
    private async Task<RunHistory> Committed(StudyDesk desk, int more)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        var before = (await desk.HistoryAsync(Small.Study.Id)).Committed;
        while (true)
        {
            var history = await desk.HistoryAsync(Small.Study.Id);
            if (history.Committed >= before + more || history.State == RunState.Completed) return history;
            await Task.Delay(50, limit.Token);
        }
    }

    /// <summary>A coordinator's death wastes no work of the compute nodes.</summary>
    private async Task CheckWaste(StudyDesk desk)
    {
        var processes = (await desk.HistoryAsync(Small.Study.Id)).Processes;
        output.WriteLine($"{processes.Sum(p => p.UnitsComputed)} units computed, {processes.Sum(p => p.UnitsCommitted)} committed");
        Assert.Equal(processes.Sum(p => p.UnitsCommitted), processes.Sum(p => p.UnitsComputed));
    }
}
