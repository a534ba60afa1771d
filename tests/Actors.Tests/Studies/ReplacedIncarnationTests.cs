using Akka.Actor;
using Akka.TestKit;
using InterpActors.Actors.Configuration;
using InterpActors.Actors.Journal;
using InterpActors.Actors.Studies;
using InterpActors.Actors.Work;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;
using InterpActors.TestSupport;

namespace InterpActors.Actors.Tests.Studies;

/// <summary>
/// Two incarnations of the same studies on one journal: the older one does not know that it was replaced, as a process that was frozen and
/// wakes up.
/// </summary>
public abstract class ReplacedIncarnationTests(JournalLocation journal) : ActorTestKit(Prepared(journal))
{
    private static readonly Study Study = FakePlanner.Study();

    private static string Prepared(JournalLocation journal)
    {
        journal.Prepare();
        return File.ReadAllText(Path.Combine(HoconFolder.Default, journal.Settings + ".conf"))
            + HoconFolder.Set("interp.journal.connection-string", journal.ConnectionString);
    }

    private (IActorRef Studies, TestProbe Broker) Incarnation(string node)
    {
        var broker = CreateTestProbe();
        // No revival within the test.
        var settings = Settings with { ReviveAfter = TimeSpan.FromMinutes(10) };
        var services = new StudyServices(broker, new FakePlanner(2, 3), settings, TimeProvider.System, journal.Name) { Node = node };
        return (Sys.ActorOf(StudyRegistry.Props(services)), broker);
    }

    private static (IActorRef Study, UnitOffered Offer) Take(TestProbe broker)
    {
        broker.FishForMessage(m => m is StudyOpened { HasWork: true });
        var study = broker.LastSender;
        study.Tell(new TakeUnit("w", "p"), broker);
        return (study, (UnitOffered)broker.FishForMessage(m => m is UnitOffered));
    }

    private static UnitResult Result(UnitOffered offer, string process) =>
        new("w", process, new UnitTry(Study.Id, offer.Unit.Ordinal, offer.Attempt), FakeRunner.Payload(offer.Unit.Ordinal), null);

    protected void The_older_one_commits_and_acknowledges_nothing_more()
    {
        var (older, oldBroker) = Incarnation("a:1");
        older.Tell(new SubmitStudy(Study, null), TestActor);
        ExpectMsg<ProgressReply>();
        var (oldStudy, oldOffer) = Take(oldBroker);

        var (newer, newBroker) = Incarnation("b:1");
        var (newStudy, newOffer) = Take(newBroker);
        Assert.Equal(oldOffer.Unit.Ordinal, newOffer.Unit.Ordinal);

        Watch(oldStudy);
        oldStudy.Tell(Result(oldOffer, "old"), oldBroker);
        ExpectTerminated(oldStudy);
        oldBroker.ExpectNoMsg(100);
        older.Tell(new SubmitStudy(FakePlanner.Study("another"), null), TestActor);
        ExpectNoMsg(500);

        newStudy.Tell(Result(newOffer, "new"), newBroker);
        newBroker.FishForMessage(m => m is UnitSettled { Finished: true });
        newer.Tell(new ListStudies(), TestActor);
        Assert.Equal([Study.Id], ExpectMsg<KnownStudies>().Studies);
        using var reader = new JournalReader(journal);
        Assert.Equal(1, StudyJournal.Read(reader, Study.Id).Committed);
        Assert.Null(StudyJournal.Read(reader, FakePlanner.Study("another").Id).Study);
    }
}

/// <summary>The same on a file.</summary>
public sealed class ReplacedIncarnationFileTests : ReplacedIncarnationTests
{
    private readonly JournalFile _journal;

    public ReplacedIncarnationFileTests() : this(Directory.CreateTempSubdirectory("interp-fence-").FullName)
    {
    }

    private ReplacedIncarnationFileTests(string folder) : this(new JournalFile(Path.Combine(folder, "journal.db")))
    {
    }

    private ReplacedIncarnationFileTests(JournalFile journal) : base(journal) => _journal = journal;

    [Fact]
    public void On_a_file_the_older_one_commits_and_acknowledges_nothing_more() => The_older_one_commits_and_acknowledges_nothing_more();

    protected override void AfterAll()
    {
        base.AfterAll();
        _journal.Release();
        Directory.Delete(Path.GetDirectoryName(_journal.Name)!, recursive: true);
    }
}

/// <summary>The same on PostgreSQL.</summary>
[Collection(nameof(PostgresServer))]
public sealed class ReplacedIncarnationDatabaseTests(PostgresServer server)
    : ReplacedIncarnationTests(new JournalDatabase(server.CreateDatabase()))
{
    [PostgresFact]
    public void On_a_database_the_older_one_commits_and_acknowledges_nothing_more() =>
        The_older_one_commits_and_acknowledges_nothing_more();
}
