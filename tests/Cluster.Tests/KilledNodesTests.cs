using InterpActors.Actors.Journal;
using InterpActors.Host.Hosting;
using InterpActors.Messages.Studies;

namespace InterpActors.Cluster.Tests;

/// <summary>
/// Nodes as processes on loopback, with the settings that ship; nodes come, are killed and come back while a study runs. The test's own
/// process is a member too, through which it submits and watches.
/// </summary>
public sealed class KilledNodesTests(SmallStudy small) : ClusterTest(small), IClassFixture<SmallStudy>
{
    [Fact]
    public async Task A_killed_compute_node_changes_nothing_but_the_time()
    {
        await using var coordinator = await ClusterNode.StartAsync(
            new ClusterNodeOptions(["coordinator"], At("coordinator"), Engine, Engine));
        var seed = $"{coordinator.Host}:{coordinator.Port}";
        using var doomed = await Compute("doomed", seed);
        using var other = await Compute("other", seed);
        var desk = coordinator.Desk!;

        await desk.SubmitAsync(Small.Study);
        await Until(desk, p => p.Committed >= 3);
        await doomed.KillAsync();
        // On the same folder: what the killed one computed and could not report is in its ledger.
        using var again = await Compute("doomed", seed);
        await Until(desk, p => p.State == RunState.Completed);

        await CheckResults(desk, At("coordinator/journal.db"));
        var history = await desk.HistoryAsync(Small.Study.Id);
        Assert.InRange(history.Processes.Count, 2, 3);
        var killed = Assert.Single(history.Processes, p => p.Ended is null);
        Assert.Equal(File.ReadLines(At("doomed/computed.log")).Count(l => l.Split(' ')[1] == killed.Process), killed.UnitsComputed);
        Assert.InRange(killed.UnitsComputed - killed.UnitsCommitted, 0, 1);
        Assert.Equal(0, await again.LeaveAsync());
        Assert.Equal(0, await other.LeaveAsync());
        Assert.Empty((await desk.MembersAsync()).Workers);
    }

    [Fact]
    public async Task A_killed_coordinator_goes_on_where_its_journal_ends()
    {
        var journal = At("coordinator/journal.db");
        string[] arguments = ["--roles", "coordinator", "--data", At("coordinator")];
        using var first = await NodeProcess.StartAsync([.. arguments]);
        await using var here = await ClusterNode.StartAsync(
            new ClusterNodeOptions(["compute"], At("here"), Engine, Engine) { Seeds = [first.Address] });
        using var there = await Compute("there", first.Address);
        using var desk = new StudyDesk(() => here.Membership, new JournalFile(journal), new ComputedLog(At("computed.log")));

        var (code, errors) = await NodeProcess.FinishAsync(["node", .. arguments]);
        Assert.Equal(2, code);
        Assert.Contains("is held by process", errors);

        await desk.SubmitAsync(Small.Study);
        await Until(desk, p => p.Committed >= 3);
        await first.KillAsync();
        // No seed nodes: it finds its cluster by the members that it remembers.
        using var second = await NodeProcess.StartAsync([.. arguments, "--port", first.Address.Split(':')[1]]);
        await Until(desk, p => p.State == RunState.Completed);

        await CheckResults(desk, journal);
        Assert.Equal(2, (await desk.HistoryAsync(Small.Study.Id)).Processes.Count);
        Assert.Equal(Small.Study.Id, Assert.Single(await desk.ListAsync()).Study);
        Assert.Equal(3, (await desk.MembersAsync()).Members.Count);
    }

    [Fact]
    public async Task A_frozen_compute_node_is_given_up_and_joins_again_by_itself()
    {
        await using var coordinator = await ClusterNode.StartAsync(
            new ClusterNodeOptions(["coordinator"], At("coordinator"), Engine, Engine));
        var seed = $"{coordinator.Host}:{coordinator.Port}";
        using var frozen = await Compute("frozen", seed);
        using var other = await Compute("other", seed);
        var desk = coordinator.Desk!;

        await desk.SubmitAsync(Small.Study);
        await Until(desk, p => p.Committed >= 3);
        await frozen.FreezeAsync();
        await Until(desk, p => p.State == RunState.Completed);
        await Members(desk, m => m.Count == 2);
        await frozen.ThawAsync();
        await Members(desk, m => m.Count == 3 && m.All(x => x is { Status: "Up", Reachable: true }));

        await CheckResults(desk, At("coordinator/journal.db"));
    }
}
