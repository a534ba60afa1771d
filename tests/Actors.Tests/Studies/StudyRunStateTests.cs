using InterpActors.Actors.Studies;
using InterpActors.Actors.Work;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Serialization;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using InterpActors.TestSupport;
using Command = InterpActors.Actors.Studies.StudyRunCommand;

namespace InterpActors.Actors.Tests.Studies;

public class StudyRunStateTests
{
    private static readonly DateTimeOffset At = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly RetryPolicy Retry = new(3, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10));
    private static readonly Study Study = FakePlanner.Study();

    private readonly StudyRunState _state = new();

    private IReadOnlyList<IStudyEvent> Do(Command command)
    {
        var events = _state.Decide(command, Retry);
        foreach (var e in events) _state.Apply(e);
        return events;
    }

    private void Begin(long units = 4)
    {
        Do(new Command.Submit(Study, At));
        Do(new Command.Plan(units, units * 3));
        Do(new Command.SeeProcess("p1", At));
    }

    private IReadOnlyList<IStudyEvent> Complete(long ordinal, double score = 0) =>
        Do(new Command.Complete(ordinal, 1, "p1", [1], new UnitPreview($"u{ordinal}", score)));

    private IReadOnlyList<IStudyEvent> Fail(long ordinal, int attempt, UnitFailureKind kind = UnitFailureKind.Transient) =>
        Do(new Command.Fail(ordinal, attempt, $"u{ordinal}", "p1", kind, "bad"));

    private IReadOnlyList<IStudyEvent> Die(long ordinal, int attempt) =>
        Do(new Command.Fail(ordinal, attempt, $"u{ordinal}", "p1", UnitFailureKind.Transient, "died", WorkerDied: true));

    [Fact]
    public void Submitting_twice_is_one_run_and_another_study_is_refused()
    {
        Assert.IsType<StudySubmitted>(Assert.Single(Do(new Command.Submit(Study, At))));
        Assert.Empty(Do(new Command.Submit(Study, At)));
        Assert.Throws<StudyException>(() => _state.Decide(new Command.Submit(FakePlanner.Study("other"), At), Retry));
    }

    [Fact]
    public void A_warning_is_taken_once_survives_a_snapshot_and_is_told()
    {
        Begin();
        Assert.Null(_state.Warnings);
        Assert.IsType<UnitWarned>(Assert.Single(Do(new Command.Warn(1, "p1", "damaged"))));
        Assert.Empty(Do(new Command.Warn(1, "p2", "damaged")));
        Do(new Command.Warn(2, "p1", "damaged"));
        var snapshot = WireFormat.Read(WireFormat.Write(_state.ToSnapshot()), WireFormat.ManifestOf(typeof(StudySnapshot)));
        var again = StudyRunState.From((StudySnapshot)snapshot);
        Assert.Equal(["damaged", "damaged"], again.Warnings);
        Assert.Equal(again.Warnings, again.History(new Dictionary<string, long>()).Warnings);
        Assert.Empty(again.Decide(new Command.Warn(2, "p1", "damaged"), Retry));
        for (var i = 0; i < 2 * StudyRunState.MostWarnings; i++) Do(new Command.Warn(i, "p1", "other"));
        Assert.Equal(StudyRunState.MostWarnings, _state.Warnings!.Count);
    }

    [Fact]
    public void The_last_checkpoint_is_known_and_the_one_before_it()
    {
        Begin();
        foreach (var step in (long[])[10, 20, 30])
        {
            var content = new Messages.Artifacts.ArtifactId(new string((char)('0' + step / 10), 64));
            Do(new Command.Checkpoint(1, "p1", new UnitCheckpoint(step, content, 1, [])));
        }
        var last = _state.CheckpointOf(1)!;
        Assert.Equal((30, 20, null), (last.Step, last.Before!.Step, last.Before.Before));
        Complete(1);
        Assert.Null(_state.CheckpointOf(1));
    }

    [Fact]
    public void A_plan_of_another_size_is_refused()
    {
        Begin();
        Assert.Empty(Do(new Command.Plan(4, 12)));
        Assert.Contains("has 5 units", Assert.Throws<StudyException>(() => _state.Decide(new Command.Plan(5, 12), Retry)).Message);
    }

    [Fact]
    public void A_process_has_computed_what_it_said_last_at_the_least_what_is_committed()
    {
        Begin();
        long Computed() => Assert.Single(_state.History(new Dictionary<string, long>()).Processes).UnitsComputed;

        Do(new Command.Complete(0, 1, "p1", [1], null, 2));
        Assert.Equal(2, Computed());
        // Another worker of the process reports later what it counted earlier.
        Do(new Command.Complete(1, 1, "p1", [1], null, 1));
        Assert.Equal(2, Computed());
        Complete(2);
        Assert.Equal(3, Computed());
        // Computed, and thrown away: another's result came first.
        Assert.Equal(new UnitsComputed("p1", 5), Assert.Single(Do(new Command.Complete(0, 1, "p1", [1], null, 5))));
        Assert.Equal(5, Computed());
        Assert.Empty(Do(new Command.Count("p1", 5)));
        Assert.Empty(Do(new Command.Count("stranger", 5)));
        var again = StudyRunState.From(_state.ToSnapshot());
        Assert.Equal(7, Assert.Single(again.History(new Dictionary<string, long> { ["p1"] = 7 }).Processes).UnitsComputed);
        Assert.Equal(5, Assert.Single(again.History(new Dictionary<string, long>()).Processes).UnitsComputed);
    }

    [Fact]
    public void The_first_result_wins()
    {
        Begin();
        Assert.Single(Complete(2));
        Assert.Empty(Complete(2));
        Assert.Equal(1, _state.Committed.Count);
        Assert.Equal(1, _state.History(new Dictionary<string, long>()).Processes[0].UnitsCommitted);
    }

    [Fact]
    public void Ordinals_outside_the_plan_are_ignored()
    {
        Begin();
        Assert.Empty(Complete(4));
        Assert.Empty(Complete(-1));
        Assert.Empty(Fail(4, 1));
    }

    [Fact]
    public void A_transient_failure_is_given_up_after_the_last_attempt()
    {
        Begin();
        Assert.Single(Fail(1, 1));
        Assert.Single(Fail(1, 2));
        Assert.Equal(2, _state.Failures(1));
        Assert.Collection(Fail(1, 3), e => Assert.IsType<UnitFailed>(e), e => Assert.Equal(new UnitGivenUp(1, "u1", 3, "bad"), e));
        Assert.Empty(Fail(1, 4));
        Assert.Empty(Complete(1));
    }

    [Fact]
    public void Deaths_of_workers_are_counted_apart_and_borne_longer()
    {
        Begin();
        for (var death = 1; death < Retry.MaxDeaths; death++) Assert.Single(Die(1, death));
        Assert.Single(Fail(1, Retry.MaxDeaths));
        Assert.Single(Fail(1, Retry.MaxDeaths + 1));
        var again = StudyRunState.From((StudySnapshot)WireFormat.Read(WireFormat.Write(_state.ToSnapshot()), "s-study.1"));
        Assert.Equal(new UnitTrouble(21, 2, 19), again.TroubleOf(1));
        var last = Die(1, 22);
        Assert.True(((UnitFailed)last[0]).WorkerDied);
        Assert.Equal(new UnitGivenUp(1, "u1", 22, "died"), last[1]);
    }

    [Fact]
    public void A_unit_that_comes_forward_is_never_given_up_for_what_was_before()
    {
        Begin();
        for (var step = 1; step <= 100; step++)
        {
            Assert.Single(Die(1, (2 * step) - 1));
            Assert.Single(Fail(1, 2 * step));
            Do(new Command.Checkpoint(1, "p1", new UnitCheckpoint(step, new(new string('a', 64)), 1, [])));
        }
        Assert.Equal(new UnitTrouble(200, 0, 0), _state.TroubleOf(1));
        // One that does not get further is.
        Do(new Command.Checkpoint(1, "p1", new UnitCheckpoint(100, new(new string('a', 64)), 1, [])));
        for (var n = 201; n < 203; n++) Assert.Single(Fail(1, n));
        Assert.Equal(2, Fail(1, 203).Count);
    }

    [Fact]
    public void A_permanent_failure_is_given_up_at_once()
    {
        Begin();
        Assert.Equal(2, Fail(1, 1, UnitFailureKind.Permanent).Count);
        Assert.True(_state.IsSettled(1));
    }

    [Fact]
    public void A_failure_reported_twice_counts_once()
    {
        Begin();
        Fail(1, 1);
        Assert.Empty(Fail(1, 1));
        Assert.Equal(1, _state.Failures(1));
    }

    [Fact]
    public void Finishes_when_every_unit_is_settled_and_ends_the_process()
    {
        Begin(2);
        Complete(0);
        Assert.Empty(Do(new Command.Finish(At, ["p1"])));
        Fail(1, 1, UnitFailureKind.Permanent);
        Assert.Equal([new StudyCompleted(At, true), new ProcessEnded("p1", At)], Do(new Command.Finish(At, ["p1"])));
        Assert.Equal(RunState.CompletedWithErrors, _state.State);
        Assert.Empty(Do(new Command.EndProcess("p1", true, At)));
        Assert.Empty(Do(new Command.SeeProcess("p2", At)));
    }

    [Fact]
    public void Pause_and_resume()
    {
        Begin();
        Assert.Equal([new StudyPaused(At), new ProcessEnded("p1", At)], Do(new Command.EndProcess("p1", true, At)));
        Assert.False(_state.IsOpen);
        Assert.Single(Complete(0));
        Assert.IsType<StudyResumed>(Assert.Single(Do(new Command.Submit(Study, At))));
        Assert.True(_state.IsOpen);
    }

    [Fact]
    public void After_cancelling_nothing_counts_any_more()
    {
        Begin();
        Assert.IsType<StudyCancelled>(Assert.Single(Do(new Command.Cancel(At))));
        Assert.Empty(Complete(0));
        Assert.Empty(Fail(0, 1));
        Assert.Empty(Do(new Command.Resume(At)));
    }

    [Fact]
    public void Keeps_the_three_strongest_cells_by_magnitude()
    {
        Begin(10);
        double[] scores = [0.1, -0.9, double.NaN, 0.5, 0.2, 0.9, -0.3];
        for (var i = 0; i < scores.Length; i++) Complete(i, scores[i]);
        Assert.Equal([-0.9, 0.9, 0.5], _state.Best.Select(b => b.Score));
    }

    [Fact]
    public void A_snapshot_is_the_whole_state()
    {
        Begin(100);
        for (var i = 0; i < 50; i += 3) Complete(i, i);
        Fail(1, 1);
        Fail(2, 1, UnitFailureKind.Permanent);
        Do(new Command.EndProcess("p1", true, At));
        var snapshot = (StudySnapshot)WireFormat.Read(WireFormat.Write(_state.ToSnapshot()), "s-study.1");
        var back = StudyRunState.From(snapshot);
        Assert.Equal(WireFormat.Write(_state.ToSnapshot()), WireFormat.Write(back.ToSnapshot()));
        Assert.Equal(1, back.Failures(1));
        Assert.True(back.IsSettled(2));
        Assert.Equal(_state.Committed.Members(), back.Committed.Members());
    }

    [Fact]
    public void Computed_units_come_from_the_ledger_and_are_never_fewer_than_committed()
    {
        Begin();
        Complete(0);
        Complete(1);
        Assert.Equal(3, _state.History(new Dictionary<string, long> { ["p1"] = 3 }).Processes[0].UnitsComputed);
        Assert.Equal(2, _state.History(new Dictionary<string, long> { ["p1"] = 1 }).Processes[0].UnitsComputed);
    }

    [Fact]
    public void Waits_grow_fourfold_up_to_the_longest()
    {
        Assert.Equal([1, 4, 10, 10], new[] { 1, 2, 3, 400 }.Select(n => Retry.Delay(n).TotalSeconds));
    }

    [Fact]
    public void A_unit_that_finds_no_memory_anywhere_is_given_up_in_the_end_with_that_reason()
    {
        Begin();
        Assert.Single(Fail(1, 1, UnitFailureKind.OutOfMemory));
        Assert.Single(Fail(1, 2, UnitFailureKind.OutOfMemory));
        var events = Fail(1, 3, UnitFailureKind.OutOfMemory);
        Assert.Equal(new UnitGivenUp(1, "u1", 3, "bad"), events[1]);
        Assert.False(_state.IsOver);
    }

    [Fact]
    public void A_priority_is_changed_until_the_end_and_survives_a_snapshot()
    {
        Begin(1);
        Assert.Equal(4, Assert.IsType<StudyPrioritised>(Assert.Single(Do(new Command.Prioritise(4, At)))).Priority);
        Assert.Empty(Do(new Command.Prioritise(4, At)));
        Assert.Equal(4, StudyRunState.From(_state.ToSnapshot()).Priority);
        Complete(0);
        Do(new Command.Finish(At, []));
        Assert.Empty(Do(new Command.Prioritise(1, At)));
    }
}
