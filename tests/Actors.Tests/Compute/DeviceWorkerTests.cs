using Akka.Actor;
using Akka.TestKit;
using InterpActors.Actors.Compute;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using InterpActors.TestSupport;

namespace InterpActors.Actors.Tests.Compute;

/// <summary>The worker between a probe that plays the broker and one that plays the engine.</summary>
public class DeviceWorkerTests : ActorTestKit
{
    private static readonly Study Study = FakePlanner.Study();

    private readonly ManualClock _clock = new();
    private readonly TestProbe _broker;
    private readonly TestProbe _engine;
    private readonly IActorRef _worker;

    public DeviceWorkerTests()
    {
        _broker = CreateTestProbe("broker");
        _engine = CreateTestProbe("engine");
        // Beats and repetitions are not what most of these tests are about.
        var settings = Settings with { Beat = TimeSpan.FromMinutes(1) };
        _worker = Sys.ActorOf(DeviceWorker.Props("w", new WorkerSlot("cpu-0", "cpu"), Services(settings)), "worker");
    }

    private ComputeServices Services(InterpActors.Actors.Configuration.WorkSettings settings) => new(
        "p", _broker, new FakeRunner(), new NoLedger(), settings,
        (kind, _) => kind == EngineKind.Training ? null : Props.Create(() => new Relay(_engine)))
    { Clock = _clock };

    private static Assign Assign(long ordinal, int attempt = 1, EngineKind engine = EngineKind.Patching) =>
        new(new WorkUnit(Study.Id, ordinal, 0, 0, engine, 1, "u"), attempt, 15);

    /// <summary>Brings the worker to computing this unit; what the engine got.</summary>
    private ComputeUnit Computing(long ordinal)
    {
        _broker.ExpectMsg<RegisterWorker>();
        _worker.Tell(new Registered("e1"), _broker);
        Assert.Equal(new RequestWork("w", "e1", 1), _broker.ExpectMsg<RequestWork>());
        _worker.Tell(Assign(ordinal), _broker);
        Assert.Equal(Study.Id, _broker.ExpectMsg<DescribeStudy>().Study);
        _worker.Tell(new StudyDescription(Study), _broker);
        return _engine.ExpectMsg<ComputeUnit>();
    }

    private static EngineDone Done(ComputeUnit unit) => new(unit.Assign.Try(), new UnitOutput([7], null), 5);

    [Fact]
    public void Asks_for_the_next_unit_only_when_the_last_result_is_acknowledged()
    {
        var unit = Computing(3);
        _worker.Tell(Done(unit), _engine);
        var result = _broker.ExpectMsg<UnitResult>();
        Assert.Equal((3, 1, "p", 5L), (result.Unit.Ordinal, result.Unit.Attempt, result.Process, result.Computed));
        _broker.ExpectNoMsg(100);
        _worker.Tell(new ResultAck(Study.Id, 3), _broker);
        _broker.ExpectMsg<RequestWork>();
    }

    /// <param name="finished">Whether the broker says that nobody will compute the unit again; not where a study just stopped.</param>
    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(null, false)]
    [InlineData(null, true)]
    public void What_a_long_unit_goes_on_from_is_removed_only_when_nobody_will(bool? finished, bool isDropped)
    {
        var folder = Directory.CreateTempSubdirectory("device-worker-").FullName;
        var own = Directory.CreateDirectory(UnitFiles.Own(folder, Study.Id, 3)).FullName;
        var services = Services(Settings with { Beat = TimeSpan.FromMinutes(1) }) with
        {
            Folder = folder,
            Engine = (_, _) => Props.Create(() => new Relay(_engine)),
        };
        _broker.ExpectMsg<RegisterWorker>();
        var worker = Sys.ActorOf(DeviceWorker.Props("long", new WorkerSlot("cpu-1", "cpu"), services));
        _broker.ExpectMsg<RegisterWorker>();
        worker.Tell(new Registered("e1"), _broker);
        _broker.ExpectMsg<RequestWork>();
        worker.Tell(Assign(3, engine: EngineKind.Training), _broker);
        _broker.ExpectMsg<DescribeStudy>();
        worker.Tell(new StudyDescription(Study), _broker);
        var unit = _engine.ExpectMsg<ComputeUnit>();
        if (isDropped)
        {
            worker.Tell(new DropUnit(Study.Id, 3, finished), _broker);
            worker.Tell(new EngineStopped(unit.Assign.Try()), _engine);
        }
        else
        {
            worker.Tell(Done(unit), _engine);
            _broker.ExpectMsg<UnitResult>();
            worker.Tell(new ResultAck(Study.Id, 3, finished), _broker);
        }
        _broker.ExpectMsg<RequestWork>();
        if (finished == true) AwaitAssert(() => Assert.False(Directory.Exists(own)));
        else
        {
            ExpectNoMsg(100);
            Assert.True(Directory.Exists(own));
        }
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void An_assignment_that_comes_twice_is_computed_once()
    {
        var unit = Computing(3);
        _worker.Tell(Assign(3), _broker);
        _engine.ExpectNoMsg(100);
        _worker.Tell(Done(unit), _engine);
        _broker.ExpectMsg<UnitResult>();
        _worker.Tell(Assign(3), _broker);
        _engine.ExpectNoMsg(100);
    }

    [Fact]
    public void A_second_unit_while_one_is_computed_is_handed_back()
    {
        Computing(3);
        _worker.Tell(Assign(4), _broker);
        Assert.Equal(4, _broker.ExpectMsg<UnitReturned>().Unit.Ordinal);
    }

    [Fact]
    public void A_new_broker_hears_what_the_worker_holds()
    {
        var unit = Computing(3);
        _worker.Tell(new Registered(""), _broker);
        Assert.Equal([unit.Assign.Try()], _broker.ExpectMsg<RegisterWorker>().Holding);
        _worker.Tell(Done(unit), _engine);
        _broker.ExpectMsg<UnitResult>();
        _worker.Tell(new Registered(""), _broker);
        Assert.Equal([unit.Assign.Try()], _broker.ExpectMsg<RegisterWorker>().Holding);
        _worker.Tell(new Registered("e2"), _broker);
        Assert.Equal(3, _broker.ExpectMsg<UnitResult>().Unit.Ordinal);
        _worker.Tell(new ResultAck(Study.Id, 3), _broker);
        Assert.Equal("e2", _broker.ExpectMsg<RequestWork>().Epoch);
    }

    [Fact]
    public void Repeats_registration_requests_and_results_until_they_are_heard()
    {
        var worker = Sys.ActorOf(DeviceWorker.Props("w2", new WorkerSlot("cpu-0", "cpu"), Services(Settings)));
        _broker.FishForMessage(m => m is RegisterWorker { Worker: "w2" });
        _broker.FishForMessage(m => m is RegisterWorker { Worker: "w2" });
        worker.Tell(new Registered("e1"), _broker);
        _broker.FishForMessage(m => m is RequestWork { Worker: "w2" });
        // While it has nothing, asking is its sign of life.
        _broker.FishForMessage(m => m is RequestWork { Worker: "w2" });
        worker.Tell(Assign(3), _broker);
        _broker.FishForMessage(m => m is DescribeStudy);
        _broker.FishForMessage(m => m is WorkerBeat { Worker: "w2" });
        _broker.FishForMessage(m => m is DescribeStudy);
        worker.Tell(new StudyDescription(Study), _broker);
        worker.Tell(Done(_engine.ExpectMsg<ComputeUnit>()), _engine);
        _broker.FishForMessage(m => m is UnitResult);
        _broker.FishForMessage(m => m is UnitResult);
        Sys.Stop(worker);
    }

    [Fact]
    public void A_failure_is_reported_like_a_result()
    {
        var unit = Computing(3);
        _worker.Tell(new EngineFailed(unit.Assign.Try(), UnitFailureKind.Permanent, "NaN"), _engine);
        Assert.Equal((UnitFailureKind.Permanent, "NaN"), (_broker.ExpectMsg<UnitFailure>() is var f ? (f.Kind, f.Error) : default));
    }

    [Fact]
    public void An_engine_that_dies_fails_its_unit_and_the_next_unit_gets_a_new_one()
    {
        var unit = Computing(3);
        Sys.ActorSelection(_worker.Path / "*").Tell(PoisonPill.Instance);
        var failure = _broker.ExpectMsg<UnitFailure>();
        Assert.Equal((unit.Assign.Try(), UnitFailureKind.Transient), (failure.Unit, failure.Kind));
        _worker.Tell(new ResultAck(Study.Id, 3), _broker);
        _broker.ExpectMsg<RequestWork>();
        _worker.Tell(Assign(3, 2), _broker);
        Assert.Equal(2, _engine.ExpectMsg<ComputeUnit>().Assign.Attempt);
    }

    [Fact]
    public void A_kind_without_an_engine_is_a_permanent_failure()
    {
        Computing(1);
        _worker.Tell(new DropUnit(Study.Id, 1), _broker);
        _worker.Tell(new EngineStopped(Assign(1).Try()), _engine);
        _broker.ExpectMsg<RequestWork>();
        _worker.Tell(Assign(3, 1, EngineKind.Training), _broker);
        Assert.Equal(UnitFailureKind.Permanent, _broker.ExpectMsg<UnitFailure>().Kind);
    }

    [Fact]
    public void A_dropped_unit_is_cancelled_and_its_result_forgotten_but_counted()
    {
        var unit = Computing(3);
        _worker.Tell(new DropUnit(Study.Id, 3), _broker);
        AwaitCondition(() => unit.Cancellation.IsCancellationRequested);
        // The engine is still busy with it: another unit would come and go.
        _worker.Tell(Assign(4), _broker);
        Assert.Equal((4, 0), (_broker.ExpectMsg<UnitReturned>() is var r ? (r.Unit.Ordinal, r.Demand) : default));
        _worker.Tell(Done(unit), _engine);
        Assert.Equal(new ProcessCount("p", 5), Assert.Single(_broker.ExpectMsg<ReportComputed>().Processes));
        _broker.ExpectMsg<RequestWork>();
    }

    [Fact]
    public void Draining_waits_for_the_result_to_be_acknowledged()
    {
        var unit = Computing(3);
        _worker.Tell(new Drain(TimeSpan.FromMinutes(1)), TestActor);
        ExpectNoMsg(50);
        _worker.Tell(Done(unit), _engine);
        _broker.ExpectMsg<UnitResult>();
        ExpectNoMsg(50);
        _worker.Tell(new ResultAck(Study.Id, 3), _broker);
        _broker.ExpectMsg<WorkerLeaving>();
        ExpectMsg<Drained>();
    }

    [Fact]
    public void Draining_hands_a_unit_back_that_takes_too_long()
    {
        var unit = Computing(3);
        _worker.Tell(new Drain(TimeSpan.FromMilliseconds(50)), TestActor);
        Assert.Equal(unit.Assign.Try(), _broker.ExpectMsg<UnitReturned>().Unit);
        Assert.True(unit.Cancellation.IsCancellationRequested);
        _worker.Tell(new ResultAck(Study.Id, 3), _broker);
        ExpectMsg<Drained>();
        _worker.Tell(Done(unit), _engine);
        Assert.IsType<WorkerLeaving>(_broker.ExpectMsg<WorkerLeaving>());
        _broker.ExpectNoMsg(100);
    }

    /// <summary>A worker whose last unit took so long, with the request it made then.</summary>
    private RequestWork After(TimeSpan unit)
    {
        var first = Computing(1);
        _clock.Advance(unit);
        _worker.Tell(Done(first), _engine);
        _broker.ExpectMsg<UnitResult>();
        _worker.Tell(new ResultAck(Study.Id, 1), _broker);
        return _broker.ExpectMsg<RequestWork>();
    }

    [Fact]
    public void Short_units_are_taken_several_at_a_time_and_begun_one_after_another()
    {
        Assert.Equal(5, After(TimeSpan.FromMilliseconds(50)).Demand);
        for (var i = 2; i < 7; i++) _worker.Tell(Assign(i), _broker);
        // One more than it wants.
        _worker.Tell(Assign(7), _broker);
        Assert.Equal(new UnitReturned("w", new UnitTry(Study.Id, 7, 1), 5), _broker.ExpectMsg<UnitReturned>());
        for (var i = 2; i < 7; i++)
        {
            var unit = _engine.ExpectMsg<ComputeUnit>();
            Assert.Equal(i, unit.Assign.Unit.Ordinal);
            _engine.ExpectNoMsg(20);
            _worker.Tell(Done(unit), _engine);
            _broker.FishForMessage(m => m is UnitResult);
            // The next one is not begun before this one is in the journal.
            _engine.ExpectNoMsg(20);
            _worker.Tell(new ResultAck(Study.Id, i), _broker);
        }
    }

    [Fact]
    public void Units_behind_one_that_turns_out_long_are_handed_back_and_no_more_are_wanted()
    {
        var worker = Sys.ActorOf(DeviceWorker.Props("w3", new WorkerSlot("cpu-0", "cpu"), Services(Settings)));
        void Expect<T>(Predicate<T> what) => _broker.FishForMessage<T>(m => what(m));
        Expect<RegisterWorker>(m => m.Worker == "w3");
        worker.Tell(new Registered("e1"), _broker);
        worker.Tell(Assign(1), _broker);
        worker.Tell(new StudyDescription(Study), _broker);
        var first = _engine.ExpectMsg<ComputeUnit>();
        _clock.Advance(TimeSpan.FromMilliseconds(50));
        worker.Tell(Done(first), _engine);
        worker.Tell(new ResultAck(Study.Id, 1), _broker);
        Expect<RequestWork>(m => m.Demand == 5);
        for (var i = 2; i < 5; i++) worker.Tell(Assign(i), _broker);
        _engine.ExpectMsg<ComputeUnit>();
        _clock.Advance(TimeSpan.FromSeconds(2));
        Expect<UnitReturned>(m => m is { Unit.Ordinal: 3, Demand: 1 });
        Expect<UnitReturned>(m => m is { Unit.Ordinal: 4, Demand: 1 });
        Sys.Stop(worker);
    }

    [Fact]
    public void Long_units_are_taken_one_at_a_time() => Assert.Equal(1, After(TimeSpan.FromSeconds(1)).Demand);

    [Fact]
    public void Units_in_hand_are_told_in_order_dropped_before_they_begin_and_handed_back_on_leaving()
    {
        After(TimeSpan.FromMilliseconds(50));
        for (var i = 2; i < 6; i++) _worker.Tell(Assign(i), _broker);
        var running = _engine.ExpectMsg<ComputeUnit>();
        _worker.Tell(new Registered(""), _broker);
        Assert.Equal([2L, 3, 4, 5], _broker.FishForMessage<RegisterWorker>(_ => true).Holding.Select(h => h.Ordinal));
        _worker.Tell(new DropUnit(Study.Id, 4), _broker);
        _worker.Tell(new Drain(TimeSpan.FromMinutes(1)), TestActor);
        Assert.Equal(new UnitReturned("w", new UnitTry(Study.Id, 3, 1), 0), _broker.FishForMessage<UnitReturned>(_ => true));
        Assert.Equal(5, _broker.ExpectMsg<UnitReturned>().Unit.Ordinal);
        Assert.False(running.Cancellation.IsCancellationRequested);
        _worker.Tell(Done(running), _engine);
        _broker.ExpectMsg<UnitResult>();
        _worker.Tell(new ResultAck(Study.Id, 2), _broker);
        _broker.ExpectMsg<WorkerLeaving>();
        ExpectMsg<Drained>();
    }

    private sealed class NoLedger : IComputedLedger
    {
        public long Append(StudyId study, string process, long ordinal, int attempt) => 1;

        public IReadOnlyDictionary<string, long> Count(StudyId study) => new Dictionary<string, long>();

        public IReadOnlyList<StudyId> Studies() => [];
    }

    /// <summary>An engine that only shows what it was given.</summary>
    private sealed class Relay : ReceiveActor
    {
        public Relay(IActorRef to) => ReceiveAny(to.Forward);
    }
}
