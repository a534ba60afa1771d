using InterpActors.Host.Hosting;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using InterpActors.TestSupport;

namespace InterpActors.Host.Tests.Hosting;

/// <summary>A whole run on this machine with a runner that computes nothing.</summary>
public class LocalNodeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("interp-node-").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    [Fact]
    public async Task Computes_every_unit_once_and_gives_payloads_in_plan_order()
    {
        var runner = new FakeRunner();
        var study = FakePlanner.Study();
        await using var node = await Start(runner, 2);
        await node.SubmitAsync(study);
        var progress = await Finish(node);

        Assert.Equal(RunState.Completed, progress.State);
        Assert.Equal((60, 60, 0), (progress.Planned, progress.Committed, progress.Failed));
        Assert.All(progress.Layers, l => Assert.Equal(l.Count, l.Committed));
        Assert.All(progress.Tracks, t => Assert.Equal((t.Units, t.Cells), (t.Committed, t.CommittedCells)));
        Assert.Equal(60, runner.Computed.Distinct().Count());
        Assert.Equal(60, runner.Computed.Count);
        var payloads = await node.ReadPayloadsAsync();
        for (var i = 0; i < 60; i++) Assert.Equal(FakeRunner.Payload(i), payloads(i));
        Assert.Null(payloads(60));
        var history = await node.HistoryAsync();
        Assert.Equal(RunState.Completed, history.State);
        var process = Assert.Single(history.Processes);
        Assert.Equal((60, 60), (process.UnitsComputed, process.UnitsCommitted));
        Assert.NotNull(process.Ended);
    }

    [Fact]
    public async Task A_paused_run_goes_on_without_computing_anything_again()
    {
        var study = FakePlanner.Study();
        var first = new FakeRunner { Work = (_, _) => Thread.Sleep(10) };
        await using (var node = await Start(first, 2))
        {
            await node.SubmitAsync(study);
            while ((await node.ProgressAsync()).Committed < 10) await Task.Delay(5);
            var paused = await node.PauseAndFlushAsync(TimeSpan.FromSeconds(5));
            Assert.Equal(RunState.Paused, paused!.State);
        }
        var second = new FakeRunner();
        await using (var node = await Start(second, 3))
        {
            var resumed = await node.SubmitAsync(study);
            Assert.Equal(first.Computed.Count, resumed.Resumed);
            var done = await Finish(node);
            Assert.Equal(RunState.Completed, done.State);
            var history = await node.HistoryAsync();
            Assert.Equal(2, history.Processes.Count);
            Assert.All(history.Processes, p => Assert.Equal(p.UnitsComputed, p.UnitsCommitted));
            Assert.Equal(60, history.Processes.Sum(p => p.UnitsCommitted));
        }
        Assert.Empty(first.Computed.Intersect(second.Computed));
    }

    [Fact]
    public async Task A_finished_run_computes_nothing_and_its_payloads_are_still_there()
    {
        var study = FakePlanner.Study();
        await using (var node = await Start(new FakeRunner(), 2))
        {
            await node.SubmitAsync(study);
            await Finish(node);
        }
        var runner = new FakeRunner();
        await using var again = await Start(runner, 2);
        var progress = await again.SubmitAsync(study);
        Assert.Equal(RunState.Completed, progress.State);
        Assert.Empty(runner.Computed);
        Assert.Equal(FakeRunner.Payload(59), (await again.ReadPayloadsAsync())(59));
        Assert.Single((await again.HistoryAsync()).Processes);
    }

    [Fact]
    public async Task A_unit_that_always_fails_is_given_up_and_the_rest_completes()
    {
        var runner = new FakeRunner
        {
            Work = (u, _) =>
            {
                if (u.Ordinal == 7) throw new UnitException(UnitFailureKind.Transient, "out of memory");
                if (u.Ordinal == 8) throw new UnitException(UnitFailureKind.Permanent, "NaN");
                if (u.Ordinal == 9) throw new InvalidOperationException("bug");
            },
        };
        await using var node = await Start(runner, 2);
        await node.SubmitAsync(FakePlanner.Study());
        var progress = await Finish(node);
        Assert.Equal(RunState.CompletedWithErrors, progress.State);
        Assert.Equal((57, 3), (progress.Committed, progress.Failed));
        var failures = (await node.HistoryAsync()).Failures.OrderBy(f => f.Ordinal).ToArray();
        Assert.Equal([(7, 5, "out of memory"), (8, 1, "NaN"), (9, 5, "InvalidOperationException: bug")],
            failures.Select(f => (f.Ordinal, f.Attempts, f.Error)));
        Assert.Null((await node.ReadPayloadsAsync())(7));
    }

    [Fact]
    public async Task A_study_that_cannot_be_planned_is_refused_with_the_planners_words()
    {
        await using var node = await LocalNode.StartAsync(Options(new FakeRunner(), 1) with
        {
            Planner = new FakePlanner(1, 1) { Failure = new StudyException("layer 40 is out of range", "x.conf:3", "0 to 3") },
        });
        var refused = await Assert.ThrowsAsync<StudyException>(() => node.SubmitAsync(FakePlanner.Study()));
        Assert.Equal("x.conf:3: layer 40 is out of range; 0 to 3", refused.Message);
    }

    [Fact]
    public async Task A_unit_that_does_not_end_is_handed_back_when_the_node_stops()
    {
        using var never = new ManualResetEventSlim();
        var runner = new FakeRunner { Work = (u, c) => { if (u.Ordinal == 5) never.Wait(c.Cancellation); } };
        var study = FakePlanner.Study();
        await using (var node = await Start(runner, 2))
        {
            await node.SubmitAsync(study);
            while ((await node.ProgressAsync()).Committed < 59) await Task.Delay(5);
            var paused = await node.PauseAndFlushAsync(TimeSpan.FromMilliseconds(50));
            Assert.Equal((RunState.Paused, 59), (paused!.State, paused.Committed));
        }
        await using var again = await Start(new FakeRunner(), 1);
        await again.SubmitAsync(study);
        Assert.Equal(RunState.Completed, (await Finish(again)).State);
        Assert.All((await again.HistoryAsync()).Processes, p => Assert.NotNull(p.Ended));
    }

    private LocalNodeOptions Options(IUnitRunner runner, int workers) =>
        new(Path.Combine(_folder, "journal.db"), workers, new FakePlanner(6, 10), runner)
        {
            LogFile = Path.Combine(_folder, "log.txt"),
            Overrides = "interp.work { beat = 100ms, first-retry = 5ms, longest-retry = 50ms }",
            Process = Guid.NewGuid().ToString("N"),
        };

    private Task<LocalNode> Start(IUnitRunner runner, int workers) => LocalNode.StartAsync(Options(runner, workers));

    private static async Task<StudyProgress> Finish(LocalNode node)
    {
        for (var i = 0; i < 2000; i++)
        {
            var progress = await node.ProgressAsync();
            Assert.Null(progress.Error);
            if (progress.State is not RunState.Running) return progress;
            await Task.Delay(10);
        }
        throw new TimeoutException("the study did not end");
    }
}
