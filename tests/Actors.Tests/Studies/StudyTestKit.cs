using Akka.Actor;
using Akka.TestKit;
using InterpActors.Actors.Studies;
using InterpActors.Actors.Work;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using InterpActors.TestSupport;

namespace InterpActors.Actors.Tests.Studies;

/// <summary>Registry, study and layers together, between a probe that plays the broker and a journal that can fail.</summary>
public abstract class StudyTestKit : ActorTestKit
{
    private const string Chaos = """
        akka.persistence.journal.plugin = chaos
        chaos { class = "InterpActors.Actors.Tests.Studies.ChaosJournal, InterpActors.Actors.Tests" }
        """;

    protected static Study Study { get; } = FakePlanner.Study();

    protected TestProbe Broker { get; }
    protected FakePlanner Planner { get; } = new(2, 3);
    protected IActorRef Studies { get; set; }

    protected StudyTestKit() : base(Chaos)
    {
        (ChaosJournal.Error, ChaosJournal.Gate) = (0, null);
        Broker = CreateTestProbe("broker");
        Studies = Start();
    }

    protected IActorRef Start() =>
        Sys.ActorOf(StudyRegistry.Props(new StudyServices(Broker, Planner, Settings, TimeProvider.System, "runs/x/journal.db")));

    /// <summary>Stops registry and study and starts them anew on the same journal.</summary>
    protected void Restart()
    {
        Watch(Studies);
        Sys.Stop(Studies);
        ExpectTerminated(Studies);
        Studies = Start();
    }

    /// <summary>Submits; the supervisor.</summary>
    protected IActorRef Submit()
    {
        Studies.Tell(new SubmitStudy(Study, "p1"), TestActor);
        ExpectMsg<ProgressReply>();
        Broker.FishForMessage(m => m is StudyOpened { HasWork: true });
        return Broker.LastSender;
    }

    protected UnitOffered Take(IActorRef study, string worker = "w")
    {
        study.Tell(new TakeUnit(worker, "p1"), Broker);
        return (UnitOffered)Broker.FishForMessage(m => m is UnitOffered);
    }

    protected static UnitResult Result(UnitOffered offer, string worker = "w") =>
        new(worker, "p1", new UnitTry(Study.Id, offer.Unit.Ordinal, offer.Attempt), FakeRunner.Payload(offer.Unit.Ordinal), null);

    protected static UnitFailure Failure(UnitOffered offer, UnitFailureKind kind) =>
        new("w", "p1", new UnitTry(Study.Id, offer.Unit.Ordinal, offer.Attempt), kind, "bad");

    protected StudyProgress Progress()
    {
        Studies.Tell(new GetProgress(Study.Id), TestActor);
        return ExpectMsg<ProgressReply>().Progress;
    }

    protected RunHistory History()
    {
        Studies.Tell(new GetHistory(Study.Id), TestActor);
        return ExpectMsg<HistoryReply>().History;
    }
}
