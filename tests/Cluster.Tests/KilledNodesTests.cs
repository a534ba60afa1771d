using InterpActors.Actors.Journal;
using InterpActors.Compute.Studies;
using InterpActors.Host.Hosting;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Serialization;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using Microsoft.Data.Sqlite;

namespace InterpActors.Cluster.Tests;

/// <summary>
/// Nodes as processes on loopback, with the settings that ship; nodes come, are killed and come back while a study runs. The test's own
/// process is a member too, through which it submits and watches.
/// </summary>
public sealed class KilledNodesTests(SmallStudy small) : IClassFixture<SmallStudy>, IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("cluster-").FullName;
    private readonly StudyEngine _engine = new();

    public void Dispose()
    {
        _engine.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public async Task A_killed_compute_node_changes_nothing_but_the_time()
    {
        await using var coordinator = await ClusterNode.StartAsync(new ClusterNodeOptions(["coordinator"], At("coordinator"), _engine, _engine));
        var seed = $"{coordinator.Host}:{coordinator.Port}";
        using var doomed = await Compute("doomed", seed);
        using var other = await Compute("other", seed);
        var desk = coordinator.Desk!;

        await desk.SubmitAsync(small.Study);
        await Until(desk, p => p.Committed >= 3);
        await doomed.KillAsync();
        await Until(desk, p => p.State == RunState.Completed);

        await CheckResults(desk, At("coordinator/journal.db"));
        var history = await desk.HistoryAsync(small.Study.Id);
        Assert.Equal(2, history.Processes.Count);
        Assert.Single(history.Processes, p => p.Ended is null);
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
            new ClusterNodeOptions(["compute"], At("here"), _engine, _engine) { Seeds = [first.Address] });
        using var there = await Compute("there", first.Address);
        using var desk = new StudyDesk(() => here.Membership, journal, new ComputedLog(At("computed.log")));

        await desk.SubmitAsync(small.Study);
        await Until(desk, p => p.Committed >= 3);
        await first.KillAsync();
        // No seed nodes: it finds its cluster by the members that it remembers.
        using var second = await NodeProcess.StartAsync([.. arguments, "--port", first.Address.Split(':')[1]]);
        await Until(desk, p => p.State == RunState.Completed);

        await CheckResults(desk, journal);
        Assert.Equal(2, (await desk.HistoryAsync(small.Study.Id)).Processes.Count);
        Assert.Equal(small.Study.Id, Assert.Single(await desk.ListAsync()).Study);
        Assert.Equal(3, (await desk.MembersAsync()).Members.Count);
    }

    [Fact]
    public async Task A_frozen_compute_node_is_given_up_and_joins_again_by_itself()
    {
        await using var coordinator = await ClusterNode.StartAsync(new ClusterNodeOptions(["coordinator"], At("coordinator"), _engine, _engine));
        var seed = $"{coordinator.Host}:{coordinator.Port}";
        using var frozen = await Compute("frozen", seed);
        using var other = await Compute("other", seed);
        var desk = coordinator.Desk!;

        await desk.SubmitAsync(small.Study);
        await Until(desk, p => p.Committed >= 3);
        await frozen.FreezeAsync();
        await Until(desk, p => p.State == RunState.Completed);
        await Members(desk, m => m.Count == 2);
        await frozen.ThawAsync();
        await Members(desk, m => m.Count == 3 && m.All(x => x is { Status: "Up", Reachable: true }));

        await CheckResults(desk, At("coordinator/journal.db"));
    }

    private static async Task Members(IStudyDesk desk, Predicate<IReadOnlyList<MemberView>> reached)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!reached((await desk.MembersAsync()).Members)) await Task.Delay(200, limit.Token);
    }

    private Task<NodeProcess> Compute(string name, string seed) =>
        NodeProcess.StartAsync("--roles", "compute", "--data", At(name), "--workers", "1", "--seed-node", seed);

    private string At(string name) => Path.Combine(_root, name);

    private async Task Until(IStudyDesk desk, Func<StudyProgress, bool> reached)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        while (true)
        {
            var progress = await desk.ProgressAsync(small.Study.Id);
            Assert.NotNull(progress);
            Assert.Null(progress.Error);
            if (reached(progress)) return;
            await Task.Delay(50, limit.Token);
        }
    }

    /// <summary>The bytes of a run on one machine, and every unit in the journal exactly once.</summary>
    private async Task CheckResults(IStudyDesk desk, string journal)
    {
        var reduction = new Reduction(_engine.Plan(small.Study), await desk.PayloadsAsync(small.Study.Id), await desk.HistoryAsync(small.Study.Id));
        _engine.Reduce(reduction, At("results"));
        Assert.Equal(await small.LocalResults(), await File.ReadAllBytesAsync(At("results/results.csv")));

        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = journal, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT message, manifest FROM journal WHERE manifest = '{WireFormat.ManifestOf(typeof(UnitCompleted))}'";
        using var reader = command.ExecuteReader();
        var committed = new List<long>();
        while (reader.Read()) committed.Add(((UnitCompleted)WireFormat.Read(reader.GetFieldValue<byte[]>(0), reader.GetString(1))).Ordinal);
        Assert.Equal(Enumerable.Range(0, (int)reduction.Plan.UnitCount).Select(i => (long)i), committed.Order());
    }
}
