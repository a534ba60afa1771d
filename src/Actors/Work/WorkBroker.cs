using Akka.Actor;
using Akka.Event;
using InterpActors.Actors.Configuration;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Work;

/// <summary>
/// Brings workers and studies together: who asks for work, who holds which unit, whose turn it is. Holds nothing durable: after its death
/// workers register again with what they hold, and nothing is handed out before every expected worker did so or the grace time is over.
/// Shares fairly: the study with the fewest units out is served next.
/// </summary>
public sealed class WorkBroker : ReceiveActor, IWithTimers
{
    private sealed class StudyEntry(IActorRef actor)
    {
        public IActorRef Actor { get; set; } = actor;
        public bool HasWork { get; set; }
        public int Out { get; set; }
        public long Served { get; set; }
    }

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

    /// <summary>Studies that will open; null before the registry has told which.</summary>
    private HashSet<StudyId>? _awaited;
    private DateTimeOffset _reconciledBy;
    private DateTimeOffset _lastTick;
    private long _turn;

    /// <param name="expected">Nodes (<c>host:port</c>) whose workers must register before anything is handed out; empty on a single machine.</param>
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
        Receive<UnitResult>(m => Report(m, m.Worker, m.Unit));
        Receive<UnitFailure>(m =>
        {
            if (m.Kind != UnitFailureKind.Unfit || !PassOver(m)) Report(m, m.Worker, m.Unit);
        });
        Receive<UnitReturned>(Return);
        Receive<WorkerBeat>(Beat);
        Receive<WorkerLeaving>(m => Lose(m.Worker, "left", inOrder: true));
        Receive<GetWorkers>(_ => Sender.Tell(new WorkersReply([.. _workers.Values.OrderBy(w => w.Id, StringComparer.Ordinal).Select(w => w.View())])));
        Receive<DescribeStudy>(Describe);
        Receive<StudiesAwaited>(m => _awaited = [.. m.Studies.Where(s => !_studies.ContainsKey(s))]);
        Receive<StudyOpened>(Open);
        Receive<StudyHasWork>(m => HasWork(m.Study));
        Receive<StudyClosed>(m => Close(m.Study));
        Receive<StudyDied>(m => Died(m));
        Receive<UnitOffered>(Offered);
        Receive<NothingToTake>(Nothing);
        Receive<UnitSettled>(Settled);
        Receive<Terminated>(Gone);
        Receive<Tick>(_ => OnTick());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(WorkSettings settings, Func<IReadOnlyCollection<string>>? expected = null, TimeProvider? clock = null) =>
        Akka.Actor.Props.Create(() => new WorkBroker(settings, expected ?? (() => Array.Empty<string>()), clock ?? TimeProvider.System));

    protected override void PreStart() => Timers.StartPeriodicTimer("tick", new Tick(), _settings.Beat);

    protected override void PostRestart(Exception reason)
    {
        base.PostRestart(reason);
        // The workers of the incarnation before are still computing: hear them before handing out what they hold.
        _reconciledBy = _clock.GetUtcNow() + _settings.ReconcileGrace;
        Context.System.EventStream.Publish(new BrokerReborn());
    }

    private bool IsReconciled
    {
        get
        {
            if (_clock.GetUtcNow() >= _reconciledBy) return true;
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
        if (_workers.TryGetValue(m.Worker, out var known) && !known.Actor.Equals(Sender)) Lose(m.Worker, "was replaced");
        if (!_workers.TryGetValue(m.Worker, out var worker))
        {
            worker = new WorkerEntry(m, Sender);
            _workers.Add(m.Worker, worker);
            Context.Watch(Sender);
        }
        worker.LastBeat = _clock.GetUtcNow();
        // The worker's word is the truth: what it does not hold (a lost assignment) goes back, what it holds is leased to it.
        var holding = m.Holding.Select(h => (h.Study, h.Ordinal)).ToHashSet();
        foreach (var (_, lease) in worker.Leases.Where(l => !holding.Contains(l.Key)).ToArray())
        {
            Release(worker, lease.Unit.Study, lease.Unit.Ordinal);
            Tell(lease.Unit.Study, new UnitUntouched(lease.Unit));
        }
        foreach (var unit in m.Holding)
        {
            Hold(worker, new Lease(unit, null));
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
        worker.LastBeat = _clock.GetUtcNow();
        worker.Demand = m.Demand;
        // It asks though it holds all it may: an assignment was lost on the way.
        if (worker.Leases.Count >= m.Demand)
            foreach (var lease in worker.Leases.Values.ToArray())
            {
                if (lease.Assign is not null) worker.Actor.Tell(lease.Assign);
                else if (Release(worker, lease.Unit.Study, lease.Unit.Ordinal)) Tell(lease.Unit.Study, new UnitUntouched(lease.Unit));
            }
        Serve(worker);
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
        var now = _clock.GetUtcNow();
        foreach (var (id, study) in _studies)
        {
            if (!study.HasWork || (!worker.IsFit(id, now) && AnyFit(id, now))) continue;
            if (best is not null && (study.Out > best.Out || (study.Out == best.Out && study.Served >= best.Served))) continue;
            (chosen, best) = (id, study);
        }
        if (best is null) return;
        best.Served = ++_turn;
        best.Out++;
        worker.Asked = chosen;
        best.Actor.Tell(new TakeUnit(worker.Id, worker.Process));
    }

    private void Offered(UnitOffered m)
    {
        var id = m.Unit.Study;
        Answered(m.Worker, id);
        if (!_workers.TryGetValue(m.Worker, out var worker))
        {
            Tell(id, new UnitUntouched(new UnitTry(id, m.Unit.Ordinal, m.Attempt)));
            return;
        }
        var assign = new Assign(m.Unit, m.Attempt, _settings.Lease.TotalSeconds);
        Hold(worker, new Lease(assign.Try(), assign));
        worker.Actor.Tell(assign);
        Serve(worker);
    }

    private void Nothing(NothingToTake m)
    {
        Answered(m.Worker, m.Study);
        if (_studies.TryGetValue(m.Study, out var study)) study.HasWork = false;
        if (_workers.TryGetValue(m.Worker, out var worker)) Serve(worker);
    }

    private void Answered(string workerId, StudyId id)
    {
        if (_studies.TryGetValue(id, out var study)) study.Out--;
        if (_workers.TryGetValue(workerId, out var worker) && worker.Asked == id) worker.Asked = null;
    }

    private void Report(IWireMessage report, string workerId, UnitTry unit)
    {
        if (_workers.TryGetValue(workerId, out var worker)) worker.LastBeat = _clock.GetUtcNow();
        if (_studies.TryGetValue(unit.Study, out var study)) study.Actor.Tell(report);
        // Right after a start the study may not have opened yet; the worker will report again.
        else if (IsReconciled && _awaited?.Contains(unit.Study) == false) Sender.Tell(new ResultAck(unit.Study, unit.Ordinal));
    }

    private bool AnyFit(StudyId study, DateTimeOffset now) => _workers.Values.Any(w => w.IsFit(study, now));

    /// <summary>
    /// A worker whose machine cannot compute a study is no reason to hold the unit to have failed, as long as there is another worker.
    /// </summary>
    private bool PassOver(UnitFailure m)
    {
        if (!_workers.TryGetValue(m.Worker, out var worker) || !_studies.ContainsKey(m.Unit.Study)) return false;
        var now = _clock.GetUtcNow();
        if (worker.IsFit(m.Unit.Study, now)) _log.Warning("worker {0} cannot compute {1}: {2}", m.Worker, m.Unit.Study, m.Error);
        worker.LastBeat = now;
        worker.Unfit[m.Unit.Study] = now + _settings.UnfitRest;
        if (!AnyFit(m.Unit.Study, now)) return false;
        if (Release(worker, m.Unit.Study, m.Unit.Ordinal)) Tell(m.Unit.Study, new UnitUntouched(m.Unit));
        Sender.Tell(new ResultAck(m.Unit.Study, m.Unit.Ordinal));
        return true;
    }

    private void Settled(UnitSettled m)
    {
        if (_workers.TryGetValue(m.Worker, out var reporter))
        {
            Release(reporter, m.Study, m.Ordinal);
            reporter.Actor.Tell(new ResultAck(m.Study, m.Ordinal));
        }
        if (!m.Finished) return;
        foreach (var other in _holders.Of(m.Study, m.Ordinal))
            if (Release(other, m.Study, m.Ordinal)) other.Actor.Tell(new DropUnit(m.Study, m.Ordinal));
    }

    private void Return(UnitReturned m)
    {
        if (_workers.TryGetValue(m.Worker, out var worker) && Release(worker, m.Unit.Study, m.Unit.Ordinal))
            Tell(m.Unit.Study, new UnitUntouched(m.Unit));
        Sender.Tell(new ResultAck(m.Unit.Study, m.Unit.Ordinal));
    }

    private void Beat(WorkerBeat m)
    {
        if (m.Epoch == _epoch && _workers.TryGetValue(m.Worker, out var worker)) (worker.LastBeat, worker.Fraction) = (_clock.GetUtcNow(), m.Fraction);
        else Sender.Tell(new Registered(""));
    }

    private void Describe(DescribeStudy m)
    {
        if (_studies.TryGetValue(m.Study, out var study)) study.Actor.Forward(m);
    }

    private void Open(StudyOpened m)
    {
        _awaited?.Remove(m.Study);
        if (_studies.TryGetValue(m.Study, out var study)) study.Actor = Sender;
        else
        {
            study = new StudyEntry(Sender) { Out = _workers.Values.Sum(w => w.Leases.Keys.Count(k => k.Study == m.Study)) };
            _studies.Add(m.Study, study);
        }
        Context.Unwatch(study.Actor);
        Context.WatchWith(Sender, new StudyDied(m.Study, Sender));
        study.HasWork = m.HasWork;
        foreach (var lease in _workers.Values.SelectMany(w => w.Leases.Values).Where(l => l.Unit.Study == m.Study))
            Sender.Tell(new UnitClaimed(lease.Unit));
        if (m.HasWork) ServeAll();
    }

    private void HasWork(StudyId id)
    {
        if (!_studies.TryGetValue(id, out var study)) return;
        study.HasWork = true;
        ServeAll();
    }

    private void Close(StudyId id)
    {
        _awaited?.Remove(id);
        if (!_studies.Remove(id, out var study)) return;
        Context.Unwatch(study.Actor);
        foreach (var worker in _workers.Values)
        {
            if (worker.Asked == id) worker.Asked = null;
            foreach (var key in worker.Leases.Keys.Where(k => k.Study == id).ToArray())
            {
                Release(worker, id, key.Ordinal);
                worker.Actor.Tell(new DropUnit(id, key.Ordinal));
            }
        }
        ServeAll();
    }

    private void Died(StudyDied m)
    {
        if (_studies.TryGetValue(m.Study, out var study) && study.Actor.Equals(m.Actor)) Close(m.Study);
    }

    private void Gone(Terminated m)
    {
        foreach (var worker in _workers.Values.Where(w => w.Actor.Equals(m.ActorRef)).ToArray()) Lose(worker.Id, "died");
    }

    private void Lose(string workerId, string why, bool inOrder = false)
    {
        if (!_workers.Remove(workerId, out var worker)) return;
        Context.Unwatch(worker.Actor);
        foreach (var lease in worker.Leases.Values.ToArray())
        {
            Release(worker, lease.Unit.Study, lease.Unit.Ordinal);
            _log.Warning("worker {0} {1} while it held unit {2} of {3}", workerId, why, lease.Unit.Ordinal, lease.Unit.Study);
            Tell(lease.Unit.Study, new UnitLost(lease.Unit, workerId, worker.Process, $"worker {workerId} {why}"));
        }
        if (_workers.Values.Any(w => w.Process == worker.Process)) return;
        foreach (var study in _studies.Values) study.Actor.Tell(new ProcessGone(worker.Process, inOrder));
    }

    private void OnTick()
    {
        var now = _clock.GetUtcNow();
        // A machine that slept, or this process that was stopped, is no reason to take every worker for dead.
        var stalled = now - _lastTick - _settings.Beat;
        if (stalled > _settings.Beat)
            foreach (var worker in _workers.Values) worker.LastBeat += stalled;
        _lastTick = now;
        foreach (var worker in _workers.Values.Where(w => now - w.LastBeat > _settings.Lease).ToArray()) Lose(worker.Id, "fell silent");
        ServeAll();
    }

    private void Hold(WorkerEntry worker, Lease lease)
    {
        var key = (lease.Unit.Study, lease.Unit.Ordinal);
        if (!worker.Leases.TryAdd(key, lease)) return;
        _holders.Add(key.Study, key.Ordinal, worker);
        if (_studies.TryGetValue(lease.Unit.Study, out var study)) study.Out++;
    }

    private bool Release(WorkerEntry worker, StudyId id, long ordinal)
    {
        if (!worker.Leases.Remove((id, ordinal))) return false;
        _holders.Remove(id, ordinal, worker);
        if (_studies.TryGetValue(id, out var study)) study.Out--;
        return true;
    }

    private void Tell(StudyId id, object message)
    {
        if (_studies.TryGetValue(id, out var study)) study.Actor.Tell(message);
    }
}
