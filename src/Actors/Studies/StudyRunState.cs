using InterpActors.Actors.Work;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Studies;

/// <summary>
/// All that a study's journal says, as a state machine without actors: <see cref="Decide"/> tells which events a command leads to and
/// changes nothing; <see cref="Apply"/> folds an event. Memory: two bits a unit, and a few hundred bytes for each unit that failed.
/// </summary>
public sealed class StudyRunState
{
    /// <summary>Given-up units whose reasons are kept; of further ones only the number is.</summary>
    public const int DescribedDefeats = 1000;

    /// <summary>Warnings that are taken; a study that has more is told enough.</summary>
    public const int MostWarnings = 100;

    private const int KeptPreviews = 3;

    private readonly Dictionary<long, UnitTrouble> _troubles = [];
    private readonly Dictionary<long, UnitCheckpoint> _checkpoints = [];
    private readonly List<UnitDefeat> _defeats = [];
    private readonly List<UnitWarned> _warnings = [];
    private readonly List<ProcessRecord> _processes = [];
    private readonly List<UnitPreview> _best = [];
    private UnitBitmap _committed = new(0);
    private UnitBitmap _givenUp = new(0);

    /// <summary>Null until the study is submitted.</summary>
    public Study? Study { get; private set; }

    public RunState State { get; private set; }

    /// <summary>One of <see cref="StudyPriority"/>.</summary>
    public int Priority { get; private set; }

    public bool IsPlanned { get; private set; }
    public long Units { get; private set; }
    public long Cells { get; private set; }

    /// <summary>Units with a result.</summary>
    public UnitBitmap Committed => _committed;

    /// <summary>Units that will not be tried again.</summary>
    public UnitBitmap GivenUp => _givenUp;

    /// <summary>The strongest cells so far, strongest first.</summary>
    public IReadOnlyList<UnitPreview> Best => _best;

    /// <summary>What went wrong with units and was put right, a line each; null for nothing.</summary>
    public IReadOnlyList<string>? Warnings => _warnings.Count == 0 ? null : [.. _warnings.Select(w => w.Line)];

    /// <summary>How far the parts of the study were when it ended; null while it is not over, or where its journal does not say.</summary>
    public StudyReach? Reached { get; private set; }

    /// <summary>True where nothing more will ever be computed.</summary>
    public bool IsOver => State is RunState.Completed or RunState.CompletedWithErrors or RunState.Cancelled;

    /// <summary>True where units may be handed out.</summary>
    public bool IsOpen => Study is not null && IsPlanned && State == RunState.Running;

    public bool IsSettled(long ordinal) => _committed[ordinal] || _givenUp[ordinal];

    /// <summary>How often a unit has failed.</summary>
    public int Failures(long ordinal) => TroubleOf(ordinal).Failures;

    /// <summary>What has gone wrong with a unit that is not settled.</summary>
    public UnitTrouble TroubleOf(long ordinal) => _troubles.GetValueOrDefault(ordinal);

    /// <summary>The last checkpoint of a unit that has no result yet; null where there is none.</summary>
    public UnitCheckpoint? CheckpointOf(long ordinal) => _checkpoints.GetValueOrDefault(ordinal);

    private bool IsPresent(string process) => _processes.Exists(p => p.Process == process && p.Ended is null);

    private bool IsWanted(long ordinal) => !IsOver && ordinal >= 0 && ordinal < Units && !IsSettled(ordinal);

    public bool Knows(string process) => _processes.Exists(p => p.Process == process);

    /// <summary>What the journal tells, with the computed units counted elsewhere.</summary>
    public RunHistory History(IReadOnlyDictionary<string, long> computed) => new(
        State, Units, _committed.Count,
        [.. _processes.Select(p => new ProcessHistory(
            p.Process, p.Started, p.Ended, Math.Max(Math.Max(p.Committed, p.Computed ?? 0), computed.GetValueOrDefault(p.Process)),
            p.Committed))],
        [.. _defeats], Warnings);

    /// <summary>The events that a command leads to; none where it changes nothing.</summary>
    /// <exception cref="StudyException">The command cannot be carried out.</exception>
    public IReadOnlyList<IStudyEvent> Decide(StudyRunCommand command, RetryPolicy retry) => command switch
    {
        StudyRunCommand.Submit c => Submit(c),
        StudyRunCommand.Plan c => Plan(c),
        StudyRunCommand.Prioritise c => c.Priority == Priority || IsOver ? [] : [new StudyPrioritised(c.Priority, c.At)],
        StudyRunCommand.SeeProcess c => IsOver || Knows(c.Process) ? [] : [new ProcessStarted(c.Process, c.At)],
        StudyRunCommand.EndProcess c => End(c),
        StudyRunCommand.Complete c =>
            IsWanted(c.Ordinal) ? [new UnitCompleted(c.Ordinal, c.Attempt, c.Process, c.Payload, c.Preview, c.Computed)]
            : Count(c.Process, c.Computed ?? 0),
        StudyRunCommand.Count c => Count(c.Process, c.Units),
        StudyRunCommand.Checkpoint c => IsWanted(c.Ordinal) && !(CheckpointOf(c.Ordinal)?.Step >= c.Written.Step)
            ? [new CheckpointWritten(c.Ordinal, c.Process, c.Written.Step, c.Written.Artifact, c.Written.Bytes, c.Written.Metrics)] : [],
        StudyRunCommand.Warn c => Warn(c),
        StudyRunCommand.Fail c => Fail(c, retry),
        StudyRunCommand.Pause c => State == RunState.Running ? [new StudyPaused(c.At)] : [],
        StudyRunCommand.Resume c => State == RunState.Paused ? [new StudyResumed(c.At)] : [],
        StudyRunCommand.Cancel c => IsOver ? [] : [new StudyCancelled(c.At, c.Reached)],
        StudyRunCommand.Finish c => Finish(c),
        _ => throw new ArgumentOutOfRangeException(nameof(command)),
    };

    private IReadOnlyList<IStudyEvent> Submit(StudyRunCommand.Submit c)
    {
        if (Study is null) return [new StudySubmitted(c.Study, c.At)];
        if (Study.Id != c.Study.Id)
            throw new StudyException($"this journal belongs to study {Study.Id}, not {c.Study.Id}", null, "choose another output folder");
        return State == RunState.Paused ? [new StudyResumed(c.At)] : [];
    }

    private IReadOnlyList<IStudyEvent> Plan(StudyRunCommand.Plan c)
    {
        if (!IsPlanned) return [new StudyPlanned(c.Units, c.Cells)];
        if (c.Units != Units || c.Cells != Cells)
        {
            throw new StudyException(
                $"the plan of study {Study?.Id} has {c.Units} units and {c.Cells} cells, its journal was begun with {Units} and {Cells}",
                null, "finish it with the version that began it, or start anew");
        }
        return [];
    }

    private IReadOnlyList<IStudyEvent> Count(string process, long units) =>
        _processes.Exists(p => p.Process == process && units > Math.Max(p.Committed, p.Computed ?? 0))
            ? [new UnitsComputed(process, units)] : [];

    private List<IStudyEvent> End(StudyRunCommand.EndProcess c)
    {
        var events = new List<IStudyEvent>();
        if (c.AndPause && State == RunState.Running) events.Add(new StudyPaused(c.At));
        if (IsPresent(c.Process)) events.Add(new ProcessEnded(c.Process, c.At));
        return events;
    }

    /// <summary>A line that was said of the unit before is no news.</summary>
    private IReadOnlyList<IStudyEvent> Warn(StudyRunCommand.Warn c) =>
        IsOver || _warnings.Count >= MostWarnings || _warnings.Exists(w => w.Ordinal == c.Ordinal && w.Line == c.Line)
            ? [] : [new UnitWarned(c.Ordinal, c.Process, c.Line)];

    private List<IStudyEvent> Fail(StudyRunCommand.Fail c, RetryPolicy retry)
    {
        var trouble = TroubleOf(c.Ordinal).After(c.WorkerDied);
        if (!IsWanted(c.Ordinal) || c.Attempt < trouble.Failures) return [];
        var events = new List<IStudyEvent>
        {
            new UnitFailed(c.Ordinal, trouble.Failures, c.Process, c.Kind, c.Error, c.WorkerDied ? true : null),
        };
        if (retry.GivesUp(c.Kind, trouble)) events.Add(new UnitGivenUp(c.Ordinal, c.Label, trouble.Failures, c.Error));
        return events;
    }

    private List<IStudyEvent> Finish(StudyRunCommand.Finish c)
    {
        if (!IsOpen || _committed.Count + _givenUp.Count < Units) return [];
        var events = new List<IStudyEvent> { new StudyCompleted(c.At, _givenUp.Count > 0, c.Reached) };
        events.AddRange(c.Processes.Where(IsPresent).Order(StringComparer.Ordinal).Select(p => new ProcessEnded(p, c.At)));
        return events;
    }

    /// <summary>Folds one event.</summary>
    public void Apply(IStudyEvent happened)
    {
        switch (happened)
        {
            case StudySubmitted e:
                Study = e.Study;
                break;
            case StudyPlanned e:
                (IsPlanned, Units, Cells) = (true, e.Units, e.Cells);
                _committed = new UnitBitmap(e.Units);
                _givenUp = new UnitBitmap(e.Units);
                break;
            case StudyPrioritised e:
                Priority = e.Priority;
                break;
            case ProcessStarted e:
                _processes.Add(new ProcessRecord(e.Process, e.At, null, 0));
                break;
            case ProcessEnded e:
                Change(e.Process, p => p with { Ended = e.At });
                break;
            case UnitCompleted e:
                if (IsSettled(e.Ordinal)) break;
                _committed.Add(e.Ordinal);
                _troubles.Remove(e.Ordinal);
                _checkpoints.Remove(e.Ordinal);
                Change(e.Process, p => p with { Committed = p.Committed + 1, Computed = More(p.Computed, e.Computed) });
                Keep(e.Preview);
                break;
            case UnitsComputed e:
                Change(e.Process, p => p with { Computed = More(p.Computed, e.Units) });
                break;
            case CheckpointWritten e:
                if (IsSettled(e.Ordinal)) break;
                var before = CheckpointOf(e.Ordinal);
                if (_troubles.TryGetValue(e.Ordinal, out var trouble)) _troubles[e.Ordinal] = trouble.Forgiven();
                _checkpoints[e.Ordinal] = new UnitCheckpoint(
                    e.Step, e.Sha256, e.Bytes, e.Metrics, before is null ? null : before with { Before = null });
                break;
            case UnitWarned e:
                if (_warnings.Count < MostWarnings) _warnings.Add(e);
                break;
            case UnitFailed e:
                if (!IsSettled(e.Ordinal)) _troubles[e.Ordinal] = TroubleOf(e.Ordinal).After(e.WorkerDied ?? false);
                break;
            case UnitGivenUp e:
                if (IsSettled(e.Ordinal)) break;
                _givenUp.Add(e.Ordinal);
                _troubles.Remove(e.Ordinal);
                _checkpoints.Remove(e.Ordinal);
                if (_defeats.Count < DescribedDefeats) _defeats.Add(new UnitDefeat(e.Ordinal, e.Label, e.Attempts, e.Error));
                break;
            case StudyPaused:
                State = RunState.Paused;
                break;
            case StudyResumed:
                State = RunState.Running;
                break;
            case StudyCancelled e:
                (State, Reached) = (RunState.Cancelled, e.Reached);
                break;
            case StudyCompleted e:
                (State, Reached) = (e.WithErrors ? RunState.CompletedWithErrors : RunState.Completed, e.Reached);
                break;
        }
    }

    /// <summary>The study as it was submitted again: what numbers depend on stays, where its files lie may have changed.</summary>
    public void MoveTo(string folder) => Study = Study! with { Folder = folder };

    public StudySnapshot ToSnapshot() => new(
        Study!, State, IsPlanned ? Units : -1, Cells, _committed.ToBytes(), _givenUp.ToBytes(), [.. _defeats],
        [.. _troubles.Select(t => new UnitAttempts(t.Key, t.Value.Failures, t.Value.Faults, t.Value.Deaths))],
        [.. _processes], [.. _best], Priority == 0 ? null : Priority,
        _checkpoints.Count == 0 ? null : [.. _checkpoints.Select(c => new OpenCheckpoint(c.Key, c.Value))],
        _warnings.Count == 0 ? null : [.. _warnings], Reached);

    public static StudyRunState From(StudySnapshot snapshot)
    {
        var state = new StudyRunState
        {
            Study = snapshot.Study,
            State = snapshot.State,
            IsPlanned = snapshot.Units >= 0,
            Units = Math.Max(0, snapshot.Units),
            Cells = snapshot.Cells,
            Priority = snapshot.Priority ?? 0,
            Reached = snapshot.Reached,
        };
        state._committed = UnitBitmap.FromBytes(snapshot.Committed, state.Units);
        state._givenUp = UnitBitmap.FromBytes(snapshot.GivenUp, state.Units);
        state._defeats.AddRange(snapshot.Defeats);
        state._processes.AddRange(snapshot.Processes);
        state._best.AddRange(snapshot.Best);
        foreach (var open in snapshot.Checkpoints ?? []) state._checkpoints[open.Ordinal] = open.Last;
        state._warnings.AddRange(snapshot.Warnings ?? []);
        foreach (var unit in snapshot.Attempts)
            state._troubles[unit.Ordinal] = new UnitTrouble(unit.Failures, unit.Faults ?? unit.Failures, unit.Deaths ?? 0);
        return state;
    }

    private static long? More(long? one, long? other) => one > other || other is null ? one : other;

    private void Change(string process, Func<ProcessRecord, ProcessRecord> change)
    {
        var i = _processes.FindIndex(p => p.Process == process);
        if (i >= 0) _processes[i] = change(_processes[i]);
    }

    private void Keep(UnitPreview? preview)
    {
        if (preview is null || double.IsNaN(preview.Score)) return;
        var at = _best.FindIndex(b => Math.Abs(b.Score) < Math.Abs(preview.Score));
        if (at < 0) at = _best.Count;
        if (at >= KeptPreviews) return;
        _best.Insert(at, preview);
        if (_best.Count > KeptPreviews) _best.RemoveAt(KeptPreviews);
    }
}
