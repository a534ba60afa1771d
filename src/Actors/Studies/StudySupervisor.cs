using System.Diagnostics;
using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using InterpActors.Actors.Configuration;
using InterpActors.Actors.Coordination;
using InterpActors.Actors.Journal;
using InterpActors.Actors.Telemetry;
using InterpActors.Actors.Work;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Studies;

/// <summary>What every study's supervisor needs.</summary>
/// <param name="JournalName">Names the journal in messages to the user.</param>
public sealed record StudyServices(IActorRef Broker, IStudyPlanner Planner, WorkSettings Settings, TimeProvider Clock, string JournalName)
{
    /// <summary>Where the coordinator lives, <c>host:port</c>; null on a single machine.</summary>
    public string? Node { get; init; }

    /// <summary>What a new incarnation writes first; nothing on a single machine, whose run folder is locked.</summary>
    public IReadOnlyList<IStudyEvent> Beginning() => Node is null ? [] : [new CoordinatorStarted(Node, Clock.GetUtcNow())];
}

/// <summary>
/// One study: turns commands and reports into journal entries by its <see cref="StudyRunState"/>, acknowledges a result when it is in the
/// journal and not before, and asks its layers for units. Plans on a thread of its own.
/// </summary>
public sealed partial class StudySupervisor : ReceivePersistentActor, IWithTimers
{
    private sealed record FinishIfDone;

    private readonly StudyId _id;
    private readonly StudyServices _services;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly List<IActorRef> _waiting = [];
    private readonly List<IActorRef> _changing = [];

    /// <summary>Units of which something is on its way to the journal, with the last event about each.</summary>
    private readonly Dictionary<long, IStudyEvent> _persisting = [];

    private readonly SnapshotPace _snapshots;
    private StudyRunState _state = new();
    private long _resumed;
    private string? _error;
    private string? _heldUp;

    public StudySupervisor(StudyId id, StudyServices services)
    {
        _id = id;
        _services = services;
        _snapshots = new SnapshotPace(services.Settings.SnapshotEvery);

        Recover<SnapshotOffer>(o => _state = StudyRunState.From((StudySnapshot)o.Snapshot));
        Recover<IStudyEvent>(e =>
        {
            _state.Apply(e);
            if (e is UnitCompleted or UnitFailed) _snapshots.Recovered();
        });
        Recover<RecoveryCompleted>(_ => _resumed = _state.Committed.Count);

        Command<SubmitStudy>(Submit);
        Command<WakeStudy>(_ =>
        {
            if (_state.Study is not null && !_state.IsOver) PersistInOrder(_services.Beginning(), Plan);
            else _services.Broker.Tell(new StudyClosed(_id));
        });
        Command<StopWhenFlushed>(_ => DeferAsync(0, _ => Context.Stop(Self)));
        Command<PauseStudy>(_ => Change(new StudyRunCommand.Pause(Now)));
        Command<ResumeStudy>(_ => Change(new StudyRunCommand.Resume(Now)));
        Command<CancelStudy>(_ => Change(new StudyRunCommand.Cancel(Now, ReachedSoon())));
        Command<EndProcess>(m => Change(new StudyRunCommand.EndProcess(m.Process, m.Pause, Now)));
        Command<ReportComputed>(m =>
            Note([.. m.Processes.SelectMany(p => _state.Decide(new StudyRunCommand.Count(p.Process, p.Units), _services.Settings.Retry))]));
        Command<GetProgress>(_ => Sender.Tell(new ProgressReply(Progress())));
        Command<GetHistory>(_ => Sender.Tell(new HistoryReply(History())));
        Command<DescribeStudy>(_ =>
        {
            if (_state.Study is not null) Sender.Tell(new StudyDescription(_state.Study));
        });
        Command<FinishIfDone>(_ => Finish());

        Command<StudyHeldUp>(m => _heldUp = m.Reason);
        Command<UnitResult>(Complete);
        Command<UnitFailure>(m => Fail(m.Unit, m.Process, m.Kind, m.Error, m.Worker));
        Command<UnitLost>(m =>
        {
            _workers.Remove(m.Worker);
            Fail(m.Unit, m.Process, UnitFailureKind.Transient, m.Reason, null, workerDied: true);
        });
        Command<SaveSnapshotSuccess>(m =>
        {
            _snapshots.Ended();
            DeleteSnapshots(new SnapshotSelectionCriteria(m.Metadata.SequenceNr - 1));
        });
        Command<SaveSnapshotFailure>(m =>
        {
            _snapshots.Ended();
            _log.Warning("no snapshot of {0}: {1}", _id, m.Cause.Message);
        });
        Command<DeleteSnapshotsSuccess>(_ => { });
        Command<DeleteSnapshotsFailure>(_ => { });
        ReceivePlans();
        ReceiveHandOut();
        ReceiveCheckpoints();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public override string PersistenceId => PersistenceIdOf(_id);

    public static string PersistenceIdOf(StudyId id) => $"study-{id}";

    public static Props Props(StudyId id, StudyServices services) => Akka.Actor.Props.Create(() => new StudySupervisor(id, services));

    private DateTimeOffset Now => _services.Clock.GetUtcNow();

    private void Submit(SubmitStudy m)
    {
        IReadOnlyList<IStudyEvent> events;
        try
        {
            events = _state.Decide(new StudyRunCommand.Submit(m.Definition, Now), _services.Settings.Retry);
        }
        catch (StudyException e)
        {
            Sender.Tell(new StudyRefused(_id, e.Message));
            return;
        }
        if (m.Priority is { } priority)
        {
            var prioritise = new StudyRunCommand.Prioritise(StudyPriority.Check(priority), Now);
            events = [.. events, .. _state.Decide(prioritise, _services.Settings.Retry)];
        }
        if (m.Process is not null) _present.Add(m.Process);
        if (m.Process is not null && !_state.IsOver && !_state.Knows(m.Process)) events = [.. events, new ProcessStarted(m.Process, Now)];
        _waiting.Add(Sender);
        PersistInOrder(events, () =>
        {
            _state.MoveTo(m.Definition.Folder);
            Plan();
        });
    }

    private void Answer()
    {
        var reply = new ProgressReply(Progress());
        foreach (var one in _waiting) one.Tell(reply);
        _waiting.Clear();
    }

    private void Change(StudyRunCommand command)
    {
        var asker = Sender;
        _changing.Add(asker);
        var events = _state.Decide(command, _services.Settings.Retry);
        PersistInOrder(events, () =>
        {
            _changing.Remove(asker);
            if (_state.IsOver && events.Count > 0) Traces.Study(_id, History(), Now);
            if (_state.IsOver) _services.Broker.Tell(new StudyClosed(_id));
            else if (_state.IsOpen) OpenAtBroker();
            asker.Tell(new ProgressReply(Progress()));
        });
    }

    /// <summary>
    /// How far the parts of the study are, with what is on its way to the journal: an event written now comes after it, or not at all.
    /// </summary>
    private StudyReach? ReachedSoon()
    {
        foreach (var (ordinal, written) in _persisting)
        {
            if (written is UnitCompleted) _tally?.Committed(ordinal);
            else if (written is UnitGivenUp) _tally?.Failed(ordinal);
        }
        return _tally?.Reached();
    }

    private void Complete(UnitResult m)
    {
        var complete = new StudyRunCommand.Complete(m.Unit.Ordinal, m.Unit.Attempt, m.Process, m.Payload, m.Preview, m.Computed);
        var events = _state.Decide(complete, _services.Settings.Retry);
        if (events is not [UnitCompleted])
        {
            Note(events);
            Settled(m.Unit.Ordinal, m.Worker, true);
            return;
        }
        _present.Add(m.Process);
        _doubtful.Remove(m.Process);
        // A second copy of a result on its way to the journal is answered when it is sent again.
        if (!_persisting.TryAdd(m.Unit.Ordinal, events[0])) return;
        var begun = Stopwatch.GetTimestamp();
        var writing = Traces.Persist(_spans.Span(m.Unit.Ordinal));
        PersistAsync(events[0], e =>
        {
            writing?.Dispose();
            Meters.Commit(_plan, m.Unit.Ordinal, begun);
            Apply(e);
            _persisting.Remove(m.Unit.Ordinal);
            _tally?.Committed(m.Unit.Ordinal);
            Forget(m.Unit.Ordinal, settled: true);
            Settled(m.Unit.Ordinal, m.Worker, true);
            CheckDone();
        });
    }

    private void Fail(UnitTry unit, string process, UnitFailureKind kind, string error, string? worker, bool workerDied = false)
    {
        if (kind == UnitFailureKind.Fatal)
        {
            // Heard; or its worker would say the same to the next incarnation.
            Settled(unit.Ordinal, worker, false);
            Halt($"unit {unit.Ordinal}: {error}");
            return;
        }
        if (_persisting.ContainsKey(unit.Ordinal)) return;
        var fail = new StudyRunCommand.Fail(unit.Ordinal, unit.Attempt, Label(unit.Ordinal), process, kind, error, workerDied);
        var events = _state.Decide(fail, _services.Settings.Retry);
        if (events.Count == 0)
        {
            Settled(unit.Ordinal, worker, _state.IsOver || _state.IsSettled(unit.Ordinal));
            return;
        }
        Meters.Fail(kind);
        _persisting.Add(unit.Ordinal, events[^1]);
        var left = events.Count;
        PersistAllAsync(events, e =>
        {
            Apply(e);
            if (--left > 0) return;
            _persisting.Remove(unit.Ordinal);
            var over = _state.IsSettled(unit.Ordinal);
            if (over) _tally?.Failed(unit.Ordinal);
            Forget(unit.Ordinal, over);
            Settled(unit.Ordinal, worker, over);
            CheckDone();
        });
    }

    private void Settled(long ordinal, string? worker, bool finished)
    {
        if (worker is not null || finished) _services.Broker.Tell(new UnitSettled(_id, ordinal, worker ?? "", finished));
    }

    /// <summary>By a message, not at once: in the handlers of PersistAllAsync, which call this, a Persist never gets its answer.</summary>
    private void CheckDone()
    {
        if (_plan is null || !_state.IsOpen) return;
        if (_state.Committed.Count + _state.GivenUp.Count == _state.Units) Self.Tell(new FinishIfDone());
    }

    private void Finish()
    {
        var finish = new StudyRunCommand.Finish(Now, [.. _present.Except(_doubtful)], _tally?.Reached());
        var events = _state.Decide(finish, _services.Settings.Retry);
        if (events.Count == 0) return;
        PersistInOrder(events, () =>
        {
            _services.Broker.Tell(new StudyClosed(_id));
            Traces.Study(_id, History(), Now);
            _snapshots.Begun();
            SaveSnapshot(_state.ToSnapshot());
        });
    }

    private void Apply(IStudyEvent e)
    {
        _state.Apply(e);
        if (e is UnitCompleted or UnitFailed && _snapshots.IsDue(_state.Units)) SaveSnapshot(_state.ToSnapshot());
    }

    /// <summary>Events that nothing waits for.</summary>
    private void Note(IReadOnlyList<IStudyEvent> events)
    {
        if (events.Count > 0) PersistAllAsync(events, Apply);
    }

    private void PersistInOrder(IReadOnlyList<IStudyEvent> events, Action after)
    {
        if (events.Count == 0)
        {
            after();
            return;
        }
        var left = events.Count;
        PersistAll(events, e =>
        {
            Apply(e);
            if (--left == 0) after();
        });
    }

    private StudyProgress Progress()
    {
        var reached = _tally?.Reached() ?? _state.Reached;
        return new StudyProgress(
            _id, _state.State, _state.Units, _state.Committed.Count, _state.GivenUp.Count, _resumed,
            reached?.Layers ?? [], reached?.Tracks ?? [], [.. Running().Take(64)], _state.Best, _workers.Count, _error, _state.Priority,
            _heldUp, _state.Warnings);
    }

    private RunHistory History() => _state.History(new Dictionary<string, long>());

    private void Halt(string error)
    {
        SayWhy(error);
        Context.Stop(Self);
    }

    /// <summary>The last words: to the registry, which answers for this study from now on, and to everybody who still waits.</summary>
    private void SayWhy(string error)
    {
        _error = error;
        Context.Parent.Tell(new StudyHalted(_id, Progress(), History()));
        foreach (var one in _waiting.Concat(_changing)) one.Tell(new StudyRefused(_id, error));
        _waiting.Clear();
        _changing.Clear();
    }

    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr)
    {
        _log.Error(cause, "journal write of {0} failed", _id);
        SayWhy(JournalTrouble.Describe(_services.JournalName, cause));
    }

    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        _log.Error(cause, "journal write of {0} was rejected", _id);
        Halt(JournalTrouble.Describe(_services.JournalName, cause));
    }

    protected override void OnRecoveryFailure(Exception reason, object? message = null)
    {
        _log.Error(reason, "journal of {0} cannot be read", _id);
        var problem = JournalTrouble.Describe(_services.JournalName, reason);
        SayWhy(problem);
        // Commands that arrived meanwhile are stashed and lost with this actor.
        Context.System.EventStream.Publish(new JournalBroke(problem));
    }
}
