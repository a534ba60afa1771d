using Akka.Actor;
using Akka.Event;
using InterpActors.Actors.Configuration;
using InterpActors.Actors.Studies;
using InterpActors.Actors.Work;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Coordination;

/// <summary>
/// The broker and the studies under one name: in a cluster one proxy reaches both, and both always live on the same node. Passes messages
/// on; starts the studies again some time after their journal failed, where the settings say so. Where several coordinators share a
/// journal, begins when it has the journal's lease, and takes its node out of the cluster when another has it.
/// </summary>
public sealed class Coordinator : ReceiveActor, IWithTimers, IWithUnboundedStash
{
    private sealed record StudiesGone;

    private sealed record Revive;

    /// <summary>Longer than between two reports of a member.</summary>
    private static readonly TimeSpan LoadKept = TimeSpan.FromSeconds(30);

    private readonly CoordinatorServices _services;
    private readonly WorkSettings _settings;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly LoadBook _loads = new(LoadKept, TimeProvider.System);
    private readonly IActorRef? _lease;
    private IActorRef? _broker;
    private IActorRef? _studies;

    public Coordinator(CoordinatorServices services)
    {
        _services = services;
        _settings = WorkSettings.From(Context.System.Settings.Config);
        if (services.Leadership is null)
        {
            Lead();
            return;
        }
        _lease = Context.ActorOf(LeaseKeeper.Props(services.Leadership), "lease");
        Become(Waiting);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public IStash Stash { get; set; } = null!;

    public static Props Props(CoordinatorServices services) => Akka.Actor.Props.Create(() => new Coordinator(services));

    private void Waiting()
    {
        Receive<LeaseKeeper.Taken>(_ =>
        {
            Stash.UnstashAll();
            Lead();
        });
        Receive<IStudyCommand>(_ => Stash.Stash());
        Receive<ListStudies>(_ => Stash.Stash());
        // Workers say everything again.
        Receive<IWireMessage>(_ => { });
        Receive<StopWhenFlushed>(_ => End());
        Receive<LeaseKeeper.Lost>(StepDown);
    }

    private void Lead()
    {
        _broker = Context.ActorOf(WorkBroker.Props(_settings, _services.Expected), "broker");
        StartStudies();
        Become(Leading);
    }

    private void Leading()
    {
        // None where their journal failed a moment ago; who asked asks again.
        Receive<IStudyCommand>(m => _studies?.Forward(m));
        Receive<ListStudies>(m => _studies?.Forward(m));
        Receive<NodeLoad>(_loads.Note);
        Receive<GetLoads>(_ => Sender.Tell(new LoadsReply(_loads.Latest())));
        Receive<IWireMessage>(m => _broker.Forward(m));
        Receive<StopWhenFlushed>(m =>
        {
            Timers.CancelAll();
            if (_studies is null)
            {
                End();
                return;
            }
            Become(Flushing);
            _studies.Tell(m);
        });
        Receive<StudiesGone>(_ =>
        {
            _studies = null;
            if (_settings.ReviveAfter > TimeSpan.Zero) Timers.StartSingleTimer("revive", new Revive(), _settings.ReviveAfter);
        });
        Receive<Revive>(_ =>
        {
            _log.Warning("starting the studies of {0} again", _services.JournalName);
            StartStudies();
        });
        Receive<LeaseKeeper.Lost>(StepDown);
    }

    private void Flushing()
    {
        Receive<IWireMessage>(m => _broker.Forward(m));
        Receive<StudiesGone>(_ => End());
        Receive<LeaseKeeper.Lost>(StepDown);
    }

    private void StartStudies()
    {
        var services = new StudyServices(_broker!, _services.Planner, _settings, TimeProvider.System, _services.JournalName)
        {
            Node = _services.Node,
        };
        _studies = Context.ActorOf(StudyRegistry.Props(services));
        Context.WatchWith(_studies, new StudiesGone());
    }

    /// <summary>Gives the lease back, then stops.</summary>
    private void End()
    {
        if (_lease is null)
        {
            Context.Stop(Self);
            return;
        }
        _lease.Tell(new LeaseKeeper.GiveBack());
        Become(() => Receive<LeaseKeeper.GivenBack>(_ => Context.Stop(Self)));
    }

    /// <summary>
    /// Somebody else leads: this node's idea of the cluster is wrong. Nothing more is handed out or written here, and the node leaves; its
    /// host joins again.
    /// </summary>
    private void StepDown(LeaseKeeper.Lost m)
    {
        _log.Warning("leads {0} no longer: {1}", _services.JournalName, m.Why);
        foreach (var child in Context.GetChildren()) Context.Stop(child);
        Become(() => Receive<StopWhenFlushed>(_ => Context.Stop(Self)));
        _ = CoordinatedShutdown.Get(Context.System).Run(SteppedDown.Reason);
    }

    private sealed class SteppedDown : CoordinatedShutdown.Reason
    {
        public static readonly SteppedDown Reason = new();

        public override int ExitCode => 0;
    }
}

/// <summary>What a coordinator needs.</summary>
/// <param name="JournalName">Names the journal in messages to the user.</param>
/// <param name="Expected">
/// Nodes whose workers must register with a new broker before anything is handed out; null on a single machine.
/// </param>
public sealed record CoordinatorServices(IStudyPlanner Planner, string JournalName, Func<IReadOnlyCollection<string>>? Expected = null)
{
    /// <summary>Where it lives, <c>host:port</c>; null on a single machine.</summary>
    public string? Node { get; init; }

    /// <summary>Null where nobody else can have the journal.</summary>
    public Leadership? Leadership { get; init; }
}

/// <summary>Stop, but not before every write that is on its way to the journal is there: whoever takes over reads all of them.</summary>
public sealed record StopWhenFlushed;
