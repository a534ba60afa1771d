using System.Diagnostics;
using System.Globalization;
using InterpActors.Actors.Configuration;
using InterpActors.Actors.Journal;
using InterpActors.Host.Hosting;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using InterpActors.TestSupport;
using Xunit.Abstractions;

namespace InterpActors.Cluster.Tests;

/// <summary>
/// Two coordinators on one database that die in bad order, with the settings that ship, beside compute nodes that nobody touches.
/// <c>INTERP_TEST_KILLS</c> says how often; unset, a few times.
/// </summary>
[Collection(nameof(PostgresServer))]
public sealed class CoordinatorDeathsTests(SmallStudy small, PostgresServer server, ITestOutputHelper output)
    : ClusterTest(small), IClassFixture<SmallStudy>
{
    private static int? Asked =>
        int.TryParse(Environment.GetEnvironmentVariable("INTERP_TEST_KILLS"), CultureInfo.InvariantCulture, out var kills) ? kills : null;

    /// <summary>Those of minutes only where it is asked how often to kill.</summary>
    public static TheoryData<string> Orders => Asked is null
        ? ["killed as soon as it leads", "both at once"]
        : ["killed as soon as it leads", "both at once", "none for a while, then the first alone", "one away for a minute"];

    /// <summary>Computes as the engine does, after a while.</summary>
    private sealed class Slowly(IUnitRunner inner, TimeSpan pause) : IUnitRunner
    {
        public UnitOutput Run(Study study, WorkUnit unit, UnitContext context)
        {
            context.Cancellation.WaitHandle.WaitOne(pause);
            context.Cancellation.ThrowIfCancellationRequested();
            return inner.Run(study, unit, context);
        }

        public void Dispose()
        {
        }
    }

    [PostgresTheory]
    [MemberData(nameof(Orders))]
    public Task A_study_outlives_two_coordinators(string order) => Run(order switch
    {
        "killed as soon as it leads" => KilledAsSoonAsItLeads,
        "both at once" => BothAtOnce,
        "none for a while, then the first alone" => NoneThenTheFirstAlone,
        _ => OneAwayForAMinute,
    });

    private async Task KilledAsSoonAsItLeads(Pair cluster)
    {
        for (var kill = 1; kill <= (Asked ?? 2); kill++)
        {
            // The one that was killed before may not have been let in yet.
            var before = await cluster.Committed();
            if (before == cluster.Units) break;
            await cluster.Kill(cluster.Leader);
            var clock = Stopwatch.StartNew();
            var restart = cluster.Restart();
            await cluster.Beyond(before + 1);
            output.WriteLine($"kill {kill}: second result after {clock.Elapsed.TotalSeconds:0.0} s");
            await restart;
        }
    }

    private async Task BothAtOnce(Pair cluster)
    {
        for (var round = 1; round <= Math.Max(1, (Asked ?? 0) / 4); round++)
        {
            var before = await cluster.Committed();
            if (before == cluster.Units) break;
            await Task.WhenAll(cluster.Kill(0), cluster.Kill(1));
            var clock = Stopwatch.StartNew();
            await cluster.Restart();
            await cluster.Beyond(before + 1);
            output.WriteLine($"round {round}: second result after {clock.Elapsed.TotalSeconds:0.0} s");
        }
    }

    private async Task NoneThenTheFirstAlone(Pair cluster)
    {
        foreach (var (first, second) in new[] { (0, 1), (1, 0) })
        {
            await cluster.Kill(first);
            await Task.Delay(TimeSpan.FromSeconds(7));
            await cluster.Kill(second);
            await Task.Delay(TimeSpan.FromSeconds(40));
            var before = await cluster.Committed();
            var clock = Stopwatch.StartNew();
            await cluster.Restart(first);
            await cluster.Beyond(before);
            output.WriteLine($"{first} alone at {before} of {cluster.Units}: result after {clock.Elapsed.TotalSeconds:0.0} s");
            await Task.Delay(TimeSpan.FromSeconds(3));
            await cluster.Restart();
        }
    }

    private async Task OneAwayForAMinute(Pair cluster)
    {
        var one = cluster.Leader;
        var before = await cluster.Committed();
        await cluster.Kill(one);
        var clock = Stopwatch.StartNew();
        await cluster.Beyond(before + 1);
        output.WriteLine($"second result after {clock.Elapsed.TotalSeconds:0.0} s");
        await Task.Delay(TimeSpan.FromSeconds(60));
        await cluster.Restart();
    }

    private async Task Run(Func<Pair, Task> story)
    {
        var journal = new JournalDatabase(server.CreateDatabase());
        await using var pair = new Pair(journal, At, Small.Study.Id);
        await pair.Restart(0);
        await pair.Restart(1);
        var pause = TimeSpan.FromSeconds(Asked is null ? 0.3 : 2);
        await using var here = await ClusterNode.StartAsync(
            new ClusterNodeOptions(["compute"], At("here"), Engine, new Slowly(Engine, pause)) { Seeds = pair.Addresses });
        await using var second = await ClusterNode.StartAsync(
            new ClusterNodeOptions(["compute"], At("second"), Engine, new Slowly(Engine, pause)) { Seeds = pair.Addresses });
        using var desk = new StudyDesk(() => here.Membership, journal, new ComputedLog(At("here/computed.log")));
        (pair.Desk, pair.Here) = (desk, here);
        await desk.SubmitAsync(Small.Study);
        await pair.Beyond(0);
        pair.Units = (await desk.HistoryAsync(Small.Study.Id)).Planned;
        await story(pair);
        await Until(desk, p => p.State == RunState.Completed);

        await CheckResults(desk, journal);
        var computed = new[] { "here", "second" }.Sum(n => File.ReadLines(At($"{n}/computed.log")).Count());
        output.WriteLine($"{computed} units computed of {pair.Units}");
        Assert.Equal(pair.Units, computed);
    }

    /// <summary>The two coordinators.</summary>
    private sealed class Pair(JournalDatabase journal, Func<string, string> at, StudyId study) : IAsyncDisposable
    {
        private readonly NodeProcess?[] _nodes = new NodeProcess?[2];
        private readonly string[] _addresses = ["", ""];

        public IReadOnlyList<string> Addresses => _addresses;

        public StudyDesk Desk { get; set; } = null!;

        public ClusterNode Here { get; set; } = null!;

        public long Units { get; set; }

        /// <summary>The one that leads, as a compute node sees it.</summary>
        public int Leader => Math.Max(0, Array.IndexOf(
            _addresses, ClusterMembers.View(Here.Membership.Cluster).FirstOrDefault(m => m.Active)?.Address));

        public async Task Kill(int one)
        {
            if (_nodes[one] is not { } node) return;
            _nodes[one] = null;
            await node.KillAsync();
            node.Dispose();
        }

        /// <summary>Starts those again that were killed, as they were started first.</summary>
        public Task Restart() => Task.WhenAll(new[] { 0, 1 }.Where(i => _nodes[i] is null).Select(Restart));

        public async Task Restart(int one)
        {
            string[] seeds = one == 0 ? [] : ["--seed-node", _addresses[0]];
            string[] port = _addresses[one].Length == 0 ? [] : ["--port", _addresses[one].Split(':')[1]];
            var node = await NodeProcess.StartAsync(["--roles", "coordinator", "--data", at($"coordinator{one}"),
                "--journal", $"postgres:{journal.ConnectionString}", .. seeds, .. port]);
            (_nodes[one], _addresses[one]) = (node, node.Address);
        }

        public async Task<long> Committed() => (await Desk.HistoryAsync(study)).Committed;

        /// <summary>Waits for more results than these, or the end.</summary>
        public async Task Beyond(long committed)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(120));
            while (await Committed() is var now && now <= committed && (Units == 0 || now < Units)) await Task.Delay(50, limit.Token);
        }

        public ValueTask DisposeAsync()
        {
            foreach (var node in _nodes) node?.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
