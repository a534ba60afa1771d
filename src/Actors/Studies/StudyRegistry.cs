using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using InterpActors.Actors.Configuration;
using InterpActors.Actors.Coordination;
using InterpActors.Actors.Journal;
using InterpActors.Actors.Work;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;

namespace InterpActors.Actors.Studies;

/// <summary>
/// Knows every study of the journal and passes commands to its supervisor. Studies are started when they are submitted; in a cluster
/// (<see cref="WorkSettings.ReviveAfter"/>) also with the coordinator, and again after their journal failed.
/// </summary>
public sealed class StudyRegistry : ReceivePersistentActor, IWithTimers
{
    private sealed record ChildGone(StudyId Study);

    private sealed record Wake(StudyId Study);

    private readonly StudyServices _services;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly HashSet<StudyId> _known = [];
    private readonly List<StudyId> _order = [];
    private readonly Dictionary<StudyId, IActorRef> _children = [];
    private readonly Dictionary<StudyId, StudyHalted> _halted = [];
    private bool _stopping;

    public StudyRegistry(StudyServices services)
    {
        _services = services;
        Recover<StudyRegistered>(Add);
        Recover<CoordinatorStarted>(_ => { });
        Recover<RecoveryCompleted>(_ =>
        {
            if (!RevivesItself) return;
            _services.Broker.Tell(new StudiesAwaited([.. _order]));
            if (_services.Beginning() is [var first]) Persist(first, _ => { });
            foreach (var id in _order) Self.Tell(new Wake(id));
        });
        Command<SubmitStudy>(Submit);
        Command<IStudyCommand>(Pass);
        Command<StudyHalted>(m =>
        {
            _halted[m.Study] = m;
            _log.Error("study {0} stopped: {1}", m.Study, m.LastProgress.Error);
        });
        Command<ListStudies>(_ => Sender.Tell(new KnownStudies([.. _order])));
        Command<ChildGone>(OnChildGone);
        Command<Wake>(m =>
        {
            if (_stopping) return;
            _halted.Remove(m.Study);
            Child(m.Study).Tell(new WakeStudy());
        });
        Command<StopWhenFlushed>(m =>
        {
            _stopping = true;
            foreach (var child in _children.Values) child.Tell(m);
            if (_children.Count == 0) Context.Stop(Self);
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private bool RevivesItself => _services.Settings.ReviveAfter > TimeSpan.Zero;

    public override string PersistenceId => "studies";

    public static Props Props(StudyServices services) => Akka.Actor.Props.Create(() => new StudyRegistry(services));

    private void Submit(SubmitStudy m)
    {
        if (_halted.TryGetValue(m.Study, out var halted) && _children.ContainsKey(m.Study))
        {
            Sender.Tell(new StudyRefused(m.Study, halted.LastProgress.Error!));
            return;
        }
        _halted.Remove(m.Study);
        if (_known.Contains(m.Study)) Child(m.Study).Forward(m);
        else
        {
            Persist(new StudyRegistered(m.Study, _services.Clock.GetUtcNow()), e =>
            {
                Add(e);
                Child(e.Study).Forward(m);
            });
        }
    }

    private void Pass(IStudyCommand m)
    {
        if (_halted.TryGetValue(m.Study, out var halted))
        {
            object reply = m is GetHistory ? new HistoryReply(halted.LastHistory) : new ProgressReply(halted.LastProgress);
            Sender.Tell(reply);
        }
        else if (_known.Contains(m.Study)) Child(m.Study).Forward(m);
        else Sender.Tell(new StudyRefused(m.Study, $"study {m.Study} is not known; submit it first"));
    }

    private void Add(StudyRegistered e)
    {
        if (_known.Add(e.Study)) _order.Add(e.Study);
    }

    private void OnChildGone(ChildGone m)
    {
        _children.Remove(m.Study);
        if (_stopping)
        {
            if (_children.Count == 0) Context.Stop(Self);
        }
        else if (RevivesItself) Timers.StartSingleTimer(m.Study, new Wake(m.Study), _services.Settings.ReviveAfter);
    }

    private IActorRef Child(StudyId id)
    {
        if (_children.TryGetValue(id, out var child)) return child;
        child = Context.ActorOf(StudySupervisor.Props(id, _services), $"study-{id}");
        Context.WatchWith(child, new ChildGone(id));
        return _children[id] = child;
    }

    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr)
    {
        _log.Error(cause, "journal write of the registry failed");
        Broke(cause);
    }

    protected override void OnRecoveryFailure(Exception reason, object? message = null)
    {
        _log.Error(reason, "journal of the registry cannot be read");
        Broke(reason);
    }

    private void Broke(Exception cause) =>
        Context.System.EventStream.Publish(new JournalBroke(JournalTrouble.Describe(_services.JournalName, cause)));
}
