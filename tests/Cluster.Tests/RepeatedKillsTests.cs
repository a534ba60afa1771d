using System.Diagnostics;
using System.Globalization;
using InterpActors.Actors.Journal;
using InterpActors.Host.Hosting;
using InterpActors.Messages.Studies;
using InterpActors.TestSupport;
using Xunit.Abstractions;

namespace InterpActors.Cluster.Tests;

/// <summary>
/// Coordinators killed again and again while a study runs, with the settings that ship. <c>INTERP_TEST_KILLS</c> says how often; unset, few
/// times.
/// </summary>
[Collection(nameof(PostgresServer))]
public sealed class RepeatedKillsTests(SmallStudy small, PostgresServer server, ITestOutputHelper output)
    : ClusterTest(small), IClassFixture<SmallStudy>
{
    private static int Kills(int usually) =>
        int.TryParse(Environment.GetEnvironmentVariable("INTERP_TEST_KILLS"), CultureInfo.InvariantCulture, out var kills) ? kills : usually;

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

    [PostgresFact]
    public async Task The_active_one_of_two_is_followed_by_the_other_each_time()
    {
        var journal = new JournalDatabase(server.CreateDatabase());
        var nodes = new List<NodeProcess>();
        try
        {
            await Add();
            await Add(nodes[0].Address);
            await using var here = await ClusterNode.StartAsync(
                new ClusterNodeOptions(["compute"], At("here"), Engine, Engine) { Seeds = [nodes[0].Address, nodes[1].Address] });
            using var second = await Compute("second", nodes[0].Address);
            using var desk = new StudyDesk(() => here.Membership, journal, new ComputedLog(At("here/computed.log")));
            await desk.SubmitAsync(Small.Study);
            for (var kill = 1; kill <= Kills(1); kill++)
            {
                var history = await Committed(desk, 1);
                if (history.Committed == history.Planned) break;
                // The oldest leads.
                var active = nodes[0];
                var isLowest = string.CompareOrdinal(active.Address, nodes[1].Address) < 0;
                await active.KillAsync();
                active.Dispose();
                nodes.RemoveAt(0);
                var clock = Stopwatch.StartNew();
                var after = await Committed(desk, 1);
                output.WriteLine($"kill {kill} at {history.Committed} of {history.Planned}, lower address {isLowest}: "
                    + $"next result after {clock.Elapsed.TotalSeconds:0.0} s");
                Assert.True(after.Committed > history.Committed);
                await Add(nodes[0].Address);
            }
            await Until(desk, p => p.State == RunState.Completed);
            await CheckResults(desk, journal);
            await CheckWaste(desk);
        }
        finally
        {
            foreach (var node in nodes) node.Dispose();
        }

        async Task Add(params string[] seeds)
        {
            var name = $"coordinator-{Guid.NewGuid():N}";
            string[] known = [.. seeds.SelectMany(s => new[] { "--seed-node", s })];
            nodes.Add(await NodeProcess.StartAsync(
                ["--roles", "coordinator", "--data", At(name), "--journal", $"postgres:{journal.ConnectionString}", .. known]));
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

    /// <summary>A coordinator's death wastes no work of the compute nodes; a slow tail may have been run a second time.</summary>
    private async Task CheckWaste(StudyDesk desk)
    {
        var processes = (await desk.HistoryAsync(Small.Study.Id)).Processes;
        output.WriteLine($"{processes.Sum(p => p.UnitsComputed)} units computed, {processes.Sum(p => p.UnitsCommitted)} committed");
        Assert.InRange(processes.Sum(p => p.UnitsComputed) - processes.Sum(p => p.UnitsCommitted), 0, 1);
    }
}
