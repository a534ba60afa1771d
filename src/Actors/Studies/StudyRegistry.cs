using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using InterpActors.Actors.Journal;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;

namespace InterpActors.Actors.Studies;

/// <summary>Knows every study of the journal and passes commands to its supervisor. Studies are started when they are submitted.</summary>
public sealed class StudyRegistry : ReceivePersistentActor
{
    private sealed record ChildGone(StudyId Study);

    private readonly StudyServices _services;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly HashSet<StudyId> _known = [];
    private readonly Dictionary<StudyId, IActorRef> _children = [];
    private readonly Dictionary<StudyId, StudyHalted> _halted = [];

    public StudyRegistry(StudyServices services)
    {
        _services = services;
        Recover<StudyRegistered>(e => _known.Add(e.Study));
        Command<SubmitStudy>(Submit);
        Command<IStudyCommand>(Pass);
        Command<StudyHalted>(m =>
        {
            _halted[m.Study] = m;
            _log.Error("study {0} stopped: {1}", m.Study, m.LastProgress.Error);
        });
        Command<ChildGone>(m => _children.Remove(m.Study));
    }

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
                _known.Add(e.Study);
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
