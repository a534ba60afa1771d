using Akka.Actor;
using Akka.Event;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Compute;

/// <summary>
/// One device's side of the pull protocol. Has one unit computed at a time and begins the next only when the journal has the last one's
/// result, so that a kill loses at most one computed unit; short units it takes several at a time (<see cref="Prefetch"/>). Never blocks:
/// engines compute.
/// </summary>
public sealed class DeviceWorker : ReceiveActor, IWithTimers
{
    // So many times the time that a worker should have work for: those behind a unit that takes longer wait too long.
    private const int LongWait = 4;

    private sealed record Tick;

    private sealed record DrainExpired;

    private sealed record Running(Assign Assign, CancellationTokenSource Cancellation)
    {
        public UnitTry Unit { get; } = Assign.Try();
        public double Fraction { get; set; }
        public string? Words { get; set; }
        public bool Started { get; set; }
        public long StartedAt { get; set; }

        /// <summary>Nobody wants the result any more; the engine is busy until it notices.</summary>
        public bool Dropped { get; set; }

        /// <summary>With that, whether nobody will compute the unit again.</summary>
        public bool? Finished { get; set; }
    }

    private readonly ComputeServices _services;
    private readonly string _id;
    private readonly WorkerSlot _slot;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Dictionary<EngineKind, IActorRef> _engines = [];
    private readonly Dictionary<StudyId, Study> _studies = [];

    /// <summary>Units in hand that were not begun.</summary>
    private readonly List<Assign> _queue = [];

    /// <summary>Long units that were begun: they keep files of their own.</summary>
    private readonly HashSet<UnitTry> _long = [];

    private double? _seconds;
    private int _made;
    private string _epoch = "";
    private Running? _running;
    private IWireMessage? _report;
    private UnitTry? _reported;
    private IActorRef? _drainer;

    public DeviceWorker(string id, WorkerSlot slot, ComputeServices services)
    {
        _id = id;
        _slot = slot;
        _services = services;

        Receive<Tick>(_ => OnTick());
        Receive<Registered>(m => OnRegistered(m.Epoch));
        Receive<Assign>(OnAssign);
        Receive<StudyDescription>(OnDescription);
        Receive<ResultAck>(m => Acknowledged(m.Study, m.Ordinal, m.Finished));
        Receive<DropUnit>(OnDrop);
        Receive<EngineProgress>(m =>
        {
            if (_running?.Unit == m.Unit) _running.Fraction = m.Fraction;
        });
        Receive<EngineWords>(m =>
        {
            if (_running?.Unit == m.Unit) _running.Words = m.Words;
        });
        Receive<EngineCheckpoint>(m => _services.Broker.Tell(new UnitCheckpointed(_id, _services.Process, m.Unit, m.Checkpoint)));
        Receive<EngineWarning>(m => _services.Broker.Tell(new UnitWarning(_id, _services.Process, m.Unit, m.Line)));
        Receive<EngineDone>(m =>
        {
            Measure(m.Unit);
            Finished(m.Unit, new UnitResult(_id, _services.Process, m.Unit, m.Output.Payload, m.Output.Preview, m.Computed));
        });
        Receive<EngineFailed>(m => Finished(m.Unit, new UnitFailure(_id, _services.Process, m.Unit, m.Kind, m.Error)));
        Receive<EngineStopped>(m => Finished(m.Unit, new UnitReturned(_id, m.Unit)));
        Receive<Terminated>(OnEngineGone);
        Receive<Drain>(OnDrain);
        Receive<DrainExpired>(_ => Abandon());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(string id, WorkerSlot slot, ComputeServices services) =>
        Akka.Actor.Props.Create(() => new DeviceWorker(id, slot, services));

    protected override void PreStart()
    {
        Timers.StartPeriodicTimer("tick", new Tick(), _services.Settings.Beat);
        Register();
    }

    protected override void PostStop()
    {
        _running?.Cancellation.Cancel();
        base.PostStop();
    }

    private void Register() => _services.Broker.Tell(
        new RegisterWorker(_id, _services.Process, _slot.Device, Holding(), _services.Node, _services.Siblings, _slot.Can));

    /// <summary>The units in hand, in the order they are computed in.</summary>
    private List<UnitTry> Holding()
    {
        var holding = new List<UnitTry>();
        if (_reported is not null) holding.Add(_reported);
        if (_running is { Dropped: false }) holding.Add(_running.Unit);
        holding.AddRange(_queue.Select(a => a.Try()));
        return holding;
    }

    private void OnRegistered(string epoch)
    {
        _epoch = epoch;
        if (epoch.Length == 0)
        {
            Register();
            return;
        }
        Context.Parent.Tell(new CoordinatorMet(epoch));
        if (_report is not null) _services.Broker.Tell(_report);
        Ask();
    }

    private void OnTick()
    {
        if (_epoch.Length == 0)
        {
            Register();
            return;
        }
        // Asking says as well that it is alive: an idle node sends half as much.
        if (InHand > 0 || _drainer is not null)
            _services.Broker.Tell(new WorkerBeat(_id, _epoch, _running?.Unit, _running?.Fraction ?? 0, _running?.Words));
        if (_report is not null) _services.Broker.Tell(_report);
        if (_running is { Started: false }) _services.Broker.Tell(new DescribeStudy(_running.Unit.Study));
        if (_queue.Count > 0 && Elapsed > LongWait * _services.Settings.Prefetch.Time) HandBack();
        // Also where it wants nothing: what the broker thinks it holds beyond that was lost on the way.
        if (_drainer is null) _services.Broker.Tell(new RequestWork(_id, _epoch, Told, Holding()));
    }

    private int InHand => (_running is null ? 0 : 1) + (_report is null ? 0 : 1) + _queue.Count;

    private TimeSpan Elapsed => _running is { Started: true } running ? _services.Clock.GetElapsedTime(running.StartedAt) : TimeSpan.Zero;

    /// <summary>By the speed up to now; a unit that takes longer than its forerunners shows before it is done.</summary>
    private int Demand => _services.Settings.Prefetch.Demand(_seconds is { } mean ? Math.Max(mean, Elapsed.TotalSeconds) : null);

    /// <summary>The demand as the broker is told it, which knows nothing of a dropped unit that the engine is still busy with.</summary>
    private int Told => _drainer is not null ? 0 : Demand - (_running is { Dropped: true } ? 1 : 0);

    private void Ask()
    {
        if (_drainer is null && _epoch.Length > 0 && InHand < Demand) _services.Broker.Tell(new RequestWork(_id, _epoch, Told));
    }

    /// <summary>What was not begun is for other workers.</summary>
    private void HandBack()
    {
        foreach (var waiting in _queue) _services.Broker.Tell(new UnitReturned(_id, waiting.Try(), Told));
        _queue.Clear();
    }

    private void OnAssign(Assign m)
    {
        var unit = m.Try();
        // An assignment may come twice (it is sent again when it seems lost); what is in hand needs no second start.
        if (_running?.Unit == unit || _reported == unit || _queue.Exists(a => a.Try() == unit)) return;
        // Another try at a unit in hand is no second unit either: its result will settle both.
        var isTwin = Holding().Exists(h => h.Study == unit.Study && h.Ordinal == unit.Ordinal);
        if (_drainer is not null || InHand >= Demand || isTwin)
        {
            _services.Broker.Tell(new UnitReturned(_id, unit, Told));
            return;
        }
        _queue.Add(m);
        Begin();
    }

    /// <summary>Begins the next unit in hand, unless the last one's result is still on its way to the journal.</summary>
    private void Begin()
    {
        if (_running is not null || _report is not null || _queue.Count == 0) return;
        var next = _queue[0];
        _queue.RemoveAt(0);
        _running = new Running(next, new CancellationTokenSource());
        if (_studies.TryGetValue(next.Unit.Study, out var study)) Start(study);
        else _services.Broker.Tell(new DescribeStudy(next.Unit.Study));
    }

    private void OnDescription(StudyDescription m)
    {
        _studies[m.Study.Id] = m.Study;
        if (_running is { Started: false } waiting && waiting.Unit.Study == m.Study.Id) Start(m.Study);
    }

    private void Start(Study study)
    {
        var running = _running!;
        running.Started = true;
        running.StartedAt = _services.Clock.GetTimestamp();
        var kind = running.Assign.Unit.Engine;
        if (kind == EngineKind.Training) _long.Add(running.Unit);
        if (Engine(kind) is { } engine) engine.Tell(new ComputeUnit(study, running.Assign, _slot.Device, running.Cancellation.Token));
        else Self.Tell(new EngineFailed(running.Unit, UnitFailureKind.Permanent, $"this version has no engine for {kind} units"));
    }

    private IActorRef? Engine(EngineKind kind)
    {
        if (_engines.TryGetValue(kind, out var engine)) return engine;
        if (_services.Engine(kind, _services) is not { } props) return null;
        engine = Context.ActorOf(props, $"engine-{kind.ToString().ToLowerInvariant()}-{_made++}");
        Context.Watch(engine);
        return _engines[kind] = engine;
    }

    private void Measure(UnitTry unit)
    {
        if (_running is { Dropped: false } running && running.Unit == unit)
            _seconds = Prefetch.Mean(_seconds, _services.Clock.GetElapsedTime(running.StartedAt).TotalSeconds);
    }

    private void Finished(UnitTry unit, IWireMessage report)
    {
        // The engine of a unit that was handed back meanwhile.
        if (_running is not { } running || running.Unit != unit) return;
        _running = null;
        if (!running.Dropped)
        {
            Report(unit, report);
            return;
        }
        Forget(unit, running.Finished);
        // Nobody wants the result, but the work was done.
        if (report is UnitResult { Computed: { } computed })
            _services.Broker.Tell(new ReportComputed(unit.Study, [new ProcessCount(_services.Process, computed)]));
        Next();
    }

    private void Report(UnitTry unit, IWireMessage report)
    {
        (_report, _reported) = (report, unit);
        _services.Broker.Tell(report);
    }

    private void Acknowledged(StudyId study, long ordinal, bool? finished)
    {
        if (_reported is null || _reported.Study != study || _reported.Ordinal != ordinal) return;
        // The last good state of a unit that was given up may be of use to somebody.
        Forget(_reported, _report is UnitResult ? finished : null);
        (_report, _reported) = (null, null);
        Next();
    }

    /// <param name="finished">True where nobody goes on with the unit; else what it kept may be needed, here or by a later run.</param>
    private void Forget(UnitTry unit, bool? finished)
    {
        if (!_long.Remove(unit) || finished != true || _services.Folder is not { } folder) return;
        Task.Run(() => UnitFiles.Forget(folder, unit.Study, unit.Ordinal));
    }

    private void Next()
    {
        if (_drainer is not null)
        {
            Leave();
            return;
        }
        Begin();
        Ask();
    }

    private void OnDrop(DropUnit m)
    {
        if (_queue.RemoveAll(a => a.Unit.Study == m.Study && a.Unit.Ordinal == m.Ordinal) > 0)
        {
            Ask();
            return;
        }
        if (_running is not { } running || running.Unit.Study != m.Study || running.Unit.Ordinal != m.Ordinal)
        {
            Acknowledged(m.Study, m.Ordinal, m.Finished);
            return;
        }
        running.Cancellation.Cancel();
        (running.Dropped, running.Finished) = (true, m.Finished);
        if (running.Started) return;
        _running = null;
        Next();
    }

    private void OnDrain(Drain m)
    {
        _drainer = Sender;
        HandBack();
        // A long unit goes on elsewhere, or later, from its last checkpoint.
        if (_running is { Assign.Unit.Engine: EngineKind.Training } running) running.Cancellation.Cancel();
        if (_running is null && _report is null) Leave();
        else Timers.StartSingleTimer("drain", new DrainExpired(), m.Timeout);
    }

    private void Abandon()
    {
        if (_running is not { } running) return;
        running.Cancellation.Cancel();
        _running = null;
        if (running.Dropped) Leave();
        else Report(running.Unit, new UnitReturned(_id, running.Unit));
    }

    private void Leave()
    {
        Timers.CancelAll();
        _services.Broker.Tell(new WorkerLeaving(_id));
        _drainer!.Tell(new Drained());
    }

    private void OnEngineGone(Terminated m)
    {
        var kind = _engines.First(e => e.Value.Equals(m.ActorRef)).Key;
        _engines.Remove(kind);
        if (_running is not { Started: true } running || running.Assign.Unit.Engine != kind) return;
        _log.Warning("engine {0} of worker {1} is gone", kind, _id);
        Finished(running.Unit, new UnitFailure(_id, _services.Process, running.Unit, UnitFailureKind.Transient, "the engine stopped"));
    }
}
