using Akka.Actor;
using Akka.Event;
using InterpActors.Actors.Configuration;
using InterpActors.Actors.Telemetry;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;

namespace InterpActors.Actors.Work;

/// <summary>
/// Brings workers and studies together: who asks for work, who holds which unit, whose turn it is (<see cref="FairShare"/>), who can
/// compute what (<see cref="StudyNeeds"/>). Holds nothing durable: after its death workers register again with what they hold, and nothing
/// is handed out before every expected worker did so or the grace time is over.
/// </summary>
public sealed partial class WorkBroker : ReceiveActor, IWithTimers
{
    /// <summary>What a unit is charged for in advance where nothing is known of its study.</summary>
    private const double UnknownSeconds = 1;

    private sealed record Tick;

    private sealed record StudyDied(StudyId Study, IActorRef Actor);

    private readonly WorkSettings _settings;
    private readonly Func<IReadOnlyCollection<string>> _expected;
    private readonly TimeProvider _clock;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly string _epoch = Guid.NewGuid().ToString("N");
    private readonly Dictionary<string, WorkerEntry> _workers = [];
    private readonly Dictionary<StudyId, StudyEntry> _studies = [];
    private readonly LeaseHolders _holders = new();
    private readonly FairShare _share = new();

    /// <summary>Studies that will open; null before the registry has told which.</summary>
    private HashSet<StudyId>? _awaited;
    private DateTimeOffset _reconciledBy;
    private DateTimeOffset _lastTick;

    /// <param name="expected">
    /// Nodes (<c>host:port</c>) whose workers must register before anything is handed out; empty on a single machine.
    /// </param>
    public WorkBroker(WorkSettings settings, Func<IReadOnlyCollection<string>> expected, TimeProvider clock)
    {
        _settings = settings;
        _expected = expected;
        _clock = clock;
        _lastTick = clock.GetUtcNow();
        _awaited = settings.ReviveAfter > TimeSpan.Zero ? null : [];
        _reconciledBy = expected().Count == 0 ? _lastTick : _lastTick + settings.ReconcileGrace;

        Receive<RegisterWorker>(Register);
        Receive<RequestWork>(Request);
        Receive<UnitResult>(m =>
        {
            Measure(m);
            Report(m, m.Worker, m.Unit);
        });
        Receive<UnitCheckpointed>(m => Tell(m.Unit.Study, m));
        Receive<UnitWarning>(m => Tell(m.Unit.Study, m));
        Receive<UnitFailure>(Failed);
        Receive<UnitReturned>(Return);
        Receive<WorkerBeat>(Beat);
        Receive<WorkerLeaving>(m => Lose(m.Worker, "left", inOrder: true));
        Receive<GetWorkers>(_ =>
            Sender.Tell(new WorkersReply([.. _workers.Values.OrderBy(w => w.Id, StringComparer.Ordinal).Select(w => w.View(Now))])));
        Receive<DescribeStudy>(Describe);
        Receive<StudiesAwaited>(m => _awaited = [.. m.Studies.Where(s => !_studies.ContainsKey(s))]);
        Receive<StudyOpened>(Open);
        Receive<StudyHasWork>(m => HasWork(m.Study));
        Receive<StudyClosed>(m => Close(m.Study));
        Receive<StudyDied>(m => Died(m));
        Receive<UnitOffered>(Offered);
        Receive<NothingToTake>(Nothing);
        Receive<NotAgain>(m => Answered(m.Worker, m.Study));
        Receive<UnitSettled>(Settled);
        Receive<Terminated>(Gone);
        Receive<Tick>(_ => OnTick());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private DateTimeOffset Now => _clock.GetUtcNow();

    public static Props Props(WorkSettings settings, Func<IReadOnlyCollection<string>>? expected = null, TimeProvider? clock = null) =>
        Akka.Actor.Props.Create(() => new WorkBroker(settings, expected ?? (() => Array.Empty<string>()), clock ?? TimeProvider.System));

    protected override void PreStart() => Timers.StartPeriodicTimer("tick", new Tick(), _settings.Beat);

    protected override void PostRestart(Exception reason)
    {
        base.PostRestart(reason);
        // The workers of the incarnation before are still computing: hear them before handing out what they hold.
        _reconciledBy = Now + _settings.ReconcileGrace;
        Context.System.EventStream.Publish(new BrokerReborn());
    }

    private bool IsReconciled
    {
        get
        {
            if (Now >= _reconciledBy) return true;
            var expected = _expected();
            if (expected.Count == 0 || !expected.All(IsComplete)) return false;
            _reconciledBy = DateTimeOffset.MinValue;
            return true;
        }
    }

    /// <summary>Every worker of the node has registered.</summary>
    private bool IsComplete(string node)
    {
        var here = _workers.Values.Where(w => w.Node == node).ToArray();
        return here.Length > 0 && here.Length >= here.Max(w => w.Siblings);
    }

    private void Register(RegisterWorker m)
    {
        if (!_workers.TryGetValue(m.Worker, out var worker))
        {
            worker = new WorkerEntry(m, Sender);
            _workers.Add(m.Worker, worker);
            Context.Watch(Sender);
        }
        else if (!worker.Actor.Equals(Sender))
        {
            // The same worker by a new way: its node was removed and has joined again before its death was noticed.
            Context.Unwatch(worker.Actor);
            worker.Actor = Context.Watch(Sender);
        }
        worker.LastBeat = Now;
        // The worker's word is the truth: what it does not hold (a lost assignment) goes back, what it holds is leased to it.
        var holding = m.Holding.Select(h => (h.Study, h.Ordinal)).ToHashSet();
        foreach (var (_, lease) in worker.Leases.Where(l => !holding.Contains(l.Key)).ToArray()) GiveBack(worker, lease.Unit);
        foreach (var unit in m.Holding)
        {
            Hold(worker, new Lease(unit, null, 0) { Since = Now });
            Tell(unit.Study, new UnitClaimed(unit));
        }
        Sender.Tell(new Registered(_epoch));
        ServeAll();
    }

    private void Request(RequestWork m)
    {
        if (m.Epoch != _epoch || !_workers.TryGetValue(m.Worker, out var worker))
        {
            Sender.Tell(new Registered(""));
            return;
        }
        Heard(worker);
        worker.Demand = m.Demand;
        if (m.Holding is { } holding)
        {
            var held = holding.Select(h => (h.Study, h.Ordinal)).ToHashSet();
            Resend(worker, worker.Leases.Where(l => !held.Contains(l.Key)));
        }
        // It asks though it holds all it may: an assignment was lost on the way.
        else if (m.Demand == 1 && worker.Leases.Count >= m.Demand) Resend(worker, worker.Leases);
        Serve(worker);
    }

    private void Resend(WorkerEntry worker, IEnumerable<KeyValuePair<(StudyId Study, long Ordinal), Lease>> lost)
    {
        foreach (var (_, lease) in lost.ToArray())
        {
            if (lease.Assign is not null) worker.Actor.Tell(lease.Assign);
            else GiveBack(worker, lease.Unit);
        }
    }

    private void ServeAll()
    {
        if (!IsReconciled) return;
        foreach (var worker in _workers.Values) Serve(worker);
    }

    private void Serve(WorkerEntry worker)
    {
        if (!worker.Wants || !IsReconciled) return;
        StudyId? chosen = null;
        StudyEntry? best = null;
        var now = Now;
        if (worker.IsAside(now)) return;
        foreach (var (id, study) in _studies)
        {
            if (!study.HasWork || (best is not null && !FairShare.IsBefore(study.Share, best.Share))) continue;
            if (IsFor(worker, id, study, now)) (chosen, best) = (id, study);
        }
        if (best is null) return;
        _share.Serve(best.Share);
        worker.Charged = best.Pace.Typical ?? UnknownSeconds;
        FairShare.Charge(best.Share, worker.Charged);
        worker.Asked = chosen;
        best.Actor.Tell(new TakeUnit(worker.Id, worker.Process));
    }

    /// <summary>The worker can compute the study, and there is none that would do it better.</summary>
    private bool IsFor(WorkerEntry worker, StudyId id, StudyEntry study, DateTimeOffset now)
    {
        if (study.Needs is { } needs)
        {
            if (!needs.AreMetBy(worker.Can)) return false;
            if (worker.Can.Threads < needs.Threads
                && _workers.Values.Any(w => w.Can.Threads >= needs.Threads && CanTake(w, id, study, now)))
                return false;
        }
        return worker.IsFit(id, now) || !_workers.Values.Any(w => CanTake(w, id, study, now));
    }

    private static bool CanTake(WorkerEntry worker, StudyId id, StudyEntry study, DateTimeOffset now) =>
        worker.IsFit(id, now) && study.Needs?.AreMetBy(worker.Can) != false;

    private void Offered(UnitOffered m)
    {
        var id = m.Unit.Study;
        var charged = Answered(m.Worker, id);
        var unit = new UnitTry(id, m.Unit.Ordinal, m.Attempt);
        if (!_workers.TryGetValue(m.Worker, out var worker))
        {
            if (_holders.Of(id, unit.Ordinal).Count == 0) Tell(id, new UnitUntouched(unit));
            return;
        }
        var assign = new Assign(m.Unit, m.Attempt, _settings.Lease.TotalSeconds, m.Trace, m.From);
        Hold(worker, new Lease(unit, assign, charged) { Since = Now });
        worker.Actor.Tell(assign);
        Meters.Assign();
        Serve(worker);
    }

    private void Nothing(NothingToTake m)
    {
        var charged = Answered(m.Worker, m.Study);
        if (_studies.TryGetValue(m.Study, out var study))
        {
            study.HasWork = false;
            FairShare.Charge(study.Share, -charged);
        }
        if (_workers.TryGetValue(m.Worker, out var worker)) Serve(worker);
    }

    /// <summary>The study's answer is here; what its share was charged in advance.</summary>
    private double Answered(string workerId, StudyId id)
    {
        if (!_workers.TryGetValue(workerId, out var worker) || worker.Asked != id) return 0;
        worker.Asked = null;
        return worker.Charged;
    }

    /// <summary>Notes that a unit is computed, and how long it took, the first time that its result is reported.</summary>
    private void Measure(UnitResult m)
    {
        if (!_workers.TryGetValue(m.Worker, out var worker)) return;
        if (!worker.Leases.TryGetValue((m.Unit.Study, m.Unit.Ordinal), out var lease)) return;
        lease.IsReported = true;
        worker.Unfit.Remove(m.Unit.Study);
        // A unit that was claimed may have been begun long before.
        if (lease.Assign is not null) lease.Seconds ??= Math.Max(0, (Now - worker.BegunAt).TotalSeconds);
    }

    private void Report(IWireMessage report, string workerId, UnitTry unit)
    {
        if (_workers.TryGetValue(workerId, out var worker)) worker.LastBeat = Now;
        if (_studies.TryGetValue(unit.Study, out var study)) study.Actor.Tell(report);
        // Right after a start the study may not have opened yet; the worker will report again.
        else if (IsReconciled && _awaited?.Contains(unit.Study) == false) Sender.Tell(new ResultAck(unit.Study, unit.Ordinal));
    }

    private void Settled(UnitSettled m)
    {
        if (_workers.TryGetValue(m.Worker, out var reporter))
        {
            Release(reporter, m.Study, m.Ordinal);
            reporter.Actor.Tell(new ResultAck(m.Study, m.Ordinal, m.Finished ? true : null));
        }
        if (!m.Finished) return;
        foreach (var other in _holders.Of(m.Study, m.Ordinal))
        {
            if (!Release(other, m.Study, m.Ordinal)) continue;
            other.Actor.Tell(new DropUnit(m.Study, m.Ordinal, Finished: true));
            other.Awaited.Add(Sender);
        }
    }

    private void Return(UnitReturned m)
    {
        if (_workers.TryGetValue(m.Worker, out var worker))
        {
            worker.Demand = m.Demand ?? worker.Demand;
            GiveBack(worker, m.Unit);
        }
        Sender.Tell(new ResultAck(m.Unit.Study, m.Unit.Ordinal));
    }

    private void Beat(WorkerBeat m)
    {
        if (m.Epoch != _epoch || !_workers.TryGetValue(m.Worker, out var worker))
        {
            Sender.Tell(new Registered(""));
            return;
        }
        worker.Computing = (m.Computing, m.Fraction);
        if (m is { Words: { } words, Computing: { } unit }) Tell(unit.Study, new UnitSays(unit.Ordinal, words));
        Heard(worker);
    }

    private void Heard(WorkerEntry worker)
    {
        worker.LastBeat = Now;
        foreach (var study in worker.Awaited) study.Tell(new ProcessHeard(worker.Process));
        worker.Awaited.Clear();
    }

    private void OnTick()
    {
        var now = Now;
        // A machine that slept, or this process that was stopped, is no reason to take every worker for dead or slow.
        var stalled = now - _lastTick - _settings.Beat;
        if (stalled > _settings.Beat)
            foreach (var worker in _workers.Values) worker.Sleep(stalled);
        _lastTick = now;
        foreach (var worker in _workers.Values.Where(w => now - w.LastBeat > _settings.Lease).ToArray()) Lose(worker.Id, "fell silent");
        ServeAll();
        if (!IsReconciled) return;
        SayWhatIsHeldUp(now);
        RerunTail(now);
    }

    private void Hold(WorkerEntry worker, Lease lease)
    {
        var key = (lease.Unit.Study, lease.Unit.Ordinal);
        if (!worker.Leases.TryAdd(key, lease)) return;
        if (worker.Leases.Count == 1) worker.BegunAt = lease.Since;
        _holders.Add(key.Study, key.Ordinal, worker);
    }

    private bool Release(WorkerEntry worker, StudyId id, long ordinal)
    {
        var index = worker.Leases.IndexOf((id, ordinal));
        if (index < 0) return false;
        var lease = worker.Leases.GetAt(index).Value;
        worker.Leases.RemoveAt(index);
        if (index == 0) worker.BegunAt = Now;
        _holders.Remove(id, ordinal, worker);
        if (!_studies.TryGetValue(id, out var study)) return true;
        FairShare.Charge(study.Share, (lease.Seconds ?? 0) - lease.Charged);
        if (lease.Seconds is not { } seconds) return true;
        worker.Took(seconds, study.Pace.Typical);
        study.Pace.Add(seconds);
        return true;
    }

    /// <summary>The worker does not compute the unit: its study may hand it out again, unless another worker is at it.</summary>
    private void GiveBack(WorkerEntry worker, UnitTry unit)
    {
        if (Release(worker, unit.Study, unit.Ordinal) && _holders.Of(unit.Study, unit.Ordinal).Count == 0)
            Tell(unit.Study, new UnitUntouched(unit));
    }

    private void Tell(StudyId id, object message)
    {
        if (_studies.TryGetValue(id, out var study)) study.Actor.Tell(message);
    }
}
