using Akka.Actor;
using Akka.Event;
using InterpActors.Actors.Configuration;
using InterpActors.Actors.Studies;
using InterpActors.Actors.Work;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Coordination;

/// <summary>
/// The broker and the studies under one name: in a cluster one proxy reaches both, and both always live on the same node. Passes messages on;
/// starts the studies again some time after their journal failed, where the settings say so.
/// </summary>
public sealed class Coordinator : ReceiveActor, IWithTimers
{
    private sealed record StudiesGone;

    private sealed record Revive;

    /// <summary>Longer than between two reports of a member.</summary>
    private static readonly TimeSpan LoadKept = TimeSpan.FromSeconds(30);

    private readonly CoordinatorServices _services;
    private readonly WorkSettings _settings;
    private readonly IActorRef _broker;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly LoadBook _loads = new(LoadKept, TimeProvider.System);
    private IActorRef _studies;
    private bool _stopping;

    public Coordinator(CoordinatorServices services)
    {
        _services = services;
        _settings = WorkSettings.From(Context.System.Settings.Config);
        _broker = Context.ActorOf(WorkBroker.Props(_settings, services.Expected), "broker");
        _studies = Studies();

        Receive<IStudyCommand>(m => _studies.Forward(m));
        Receive<ListStudies>(m => _studies.Forward(m));
        Receive<NodeLoad>(_loads.Note);
        Receive<GetLoads>(_ => Sender.Tell(new LoadsReply(_loads.Latest())));
        Receive<IWireMessage>(m => _broker.Forward(m));
        Receive<StopWhenFlushed>(m =>
        {
            _stopping = true;
            _studies.Tell(m);
        });
        Receive<StudiesGone>(_ =>
        {
            if (_stopping) Context.Stop(Self);
            else if (_settings.ReviveAfter > TimeSpan.Zero) Timers.StartSingleTimer("revive", new Revive(), _settings.ReviveAfter);
        });
        Receive<Revive>(_ =>
        {
            _log.Warning("starting the studies of {0} again", _services.JournalName);
            _studies = Studies();
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(CoordinatorServices services) => Akka.Actor.Props.Create(() => new Coordinator(services));

    private IActorRef Studies()
    {
        var studies = Context.ActorOf(StudyRegistry.Props(new StudyServices(_broker, _services.Planner, _settings, TimeProvider.System, _services.JournalName)));
        Context.WatchWith(studies, new StudiesGone());
        return studies;
    }
}

/// <summary>What a coordinator needs.</summary>
/// <param name="JournalName">Names the journal in messages to the user.</param>
/// <param name="Expected">Nodes whose workers must register with a new broker before anything is handed out; null on a single machine.</param>
public sealed record CoordinatorServices(IStudyPlanner Planner, string JournalName, Func<IReadOnlyCollection<string>>? Expected = null);

/// <summary>Stop, but not before every write that is on its way to the journal is there: whoever takes over reads all of them.</summary>
public sealed record StopWhenFlushed;
