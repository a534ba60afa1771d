using System.Diagnostics;
using InterpActors.Actors.Journal;
using InterpActors.Host.Hosting;
using InterpActors.Messages.Studies;
using InterpActors.TestSupport;
using Xunit.Abstractions;

namespace InterpActors.Cluster.Tests;

/// <summary>Two coordinators on one PostgreSQL journal, and what happens to it, with the settings that ship.</summary>
[Collection(nameof(PostgresServer))]
public sealed class SharedJournalTests(SmallStudy small, PostgresServer server, ITestOutputHelper output)
    : ClusterTest(small), IClassFixture<SmallStudy>
{
    [PostgresFact]
    public async Task A_standby_takes_over_from_a_killed_coordinator()
    {
        var journal = new JournalDatabase(server.CreateDatabase());
        using var active = await Coordinator("active", journal);
        await using var standby = await ClusterNode.StartAsync(
            new ClusterNodeOptions(["coordinator"], At("standby"), Engine, Engine) { Journal = journal, Seeds = [active.Address] });
        using var compute = await Compute("compute", active.Address);
        var desk = standby.Desk!;

        await desk.SubmitAsync(Small.Study);
        await Until(desk, p => p.Committed >= 3);
        await active.KillAsync();
        var clock = Stopwatch.StartNew();
        var before = (await desk.HistoryAsync(Small.Study.Id)).Committed;
        while ((await desk.HistoryAsync(Small.Study.Id)).Committed == before) await Task.Delay(50);
        output.WriteLine($"first unit committed {clock.Elapsed.TotalSeconds:0.0} s after the kill");
        await Until(desk, p => p.State == RunState.Completed);

        await CheckResults(desk, journal);
        Assert.Single((await desk.HistoryAsync(Small.Study.Id)).Processes);
    }

    [PostgresFact]
    public async Task A_coordinator_that_was_frozen_finds_another_in_its_place_and_stands_by()
    {
        var journal = new JournalDatabase(server.CreateDatabase());
        using var frozen = await Coordinator("frozen", journal);
        await using var standby = await ClusterNode.StartAsync(
            new ClusterNodeOptions(["coordinator"], At("standby"), Engine, Engine) { Journal = journal, Seeds = [frozen.Address] });
        using var compute = await Compute("compute", frozen.Address);
        var desk = standby.Desk!;

        await desk.SubmitAsync(Small.Study);
        await Until(desk, p => p.Committed >= 2);
        await frozen.FreezeAsync();
        // At once: the standby may be done with the study before the members are known.
        var before = (await desk.HistoryAsync(Small.Study.Id)).Committed;
        await Members(desk, m => m.Count == 2 && m.Any(x => x.Active && x.Address != frozen.Address));
        await Until(desk, p => p.Committed > before);
        await frozen.ThawAsync();
        var leader = $"{standby.Host}:{standby.Port}";
        await Members(desk, m => m.Count == 3 && m.All(x => x is { Status: "Up", Reachable: true } && x.Active == (x.Address == leader)));
        await Until(desk, p => p.State == RunState.Completed);

        await CheckResults(desk, journal);
    }

    [PostgresFact]
    public async Task A_server_that_restarts_and_one_that_crashes_lose_nothing()
    {
        var journal = new JournalDatabase(server.CreateDatabase());
        await using var coordinator = await ClusterNode.StartAsync(
            new ClusterNodeOptions(["coordinator"], At("coordinator"), Engine, Engine) { Journal = journal });
        using var compute = await Compute("compute", $"{coordinator.Host}:{coordinator.Port}");
        var desk = coordinator.Desk!;

        await desk.SubmitAsync(Small.Study);
        await Until(desk, p => p.Committed >= 2);
        server.Stop("fast");
        server.Start();
        await Until(desk, p => p.Committed >= 5, mayStumble: true);
        server.Stop("immediate");
        server.Start();
        await Until(desk, p => p.State == RunState.Completed, mayStumble: true);

        await CheckResults(desk, journal);
        var process = Assert.Single((await desk.HistoryAsync(Small.Study.Id)).Processes);
        Assert.Equal(process.UnitsCommitted, process.UnitsComputed);
    }

    private Task<NodeProcess> Coordinator(string name, JournalDatabase journal) =>
        NodeProcess.StartAsync("--roles", "coordinator", "--data", At(name), "--journal", $"postgres:{journal.ConnectionString}");
}
