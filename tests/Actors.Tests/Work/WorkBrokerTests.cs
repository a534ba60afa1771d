using Akka.Actor;
using Akka.TestKit;
using InterpActors.Actors.Configuration;
using InterpActors.Actors.Work;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using InterpActors.TestSupport;

namespace InterpActors.Actors.Tests.Work;

/// <summary>The broker between probes that play workers and studies.</summary>
public class WorkBrokerTests : ActorTestKit
{
    private static readonly StudyId Id = FakePlanner.Study().Id;

    private readonly TestProbe _study;
    private readonly IActorRef _broker;

    public WorkBrokerTests()
    {
        _study = CreateTestProbe("study");
        _broker = Broker(Settings);
    }

    private IActorRef Broker(WorkSettings settings, Func<IReadOnlyCollection<string>>? expected = null) =>
        Sys.ActorOf(WorkBroker.Props(settings, expected));

    private static WorkUnit Unit(long ordinal, StudyId? study = null) =>
        new(study ?? Id, ordinal, 0, 0, EngineKind.Patching, 1, $"unit {ordinal}");

    /// <summary>Registers a worker; its epoch.</summary>
    private static string Register(IActorRef broker, TestProbe worker, string name, params UnitTry[] holding)
    {
        broker.Tell(new RegisterWorker(name, "p-" + name, "cpu", holding, "p-" + name), worker);
        return worker.ExpectMsg<Registered>().Epoch;
    }

    /// <summary>A worker that holds this unit.</summary>
    private (TestProbe Worker, string Epoch) Leased(string name, long ordinal)
    {
        var worker = CreateTestProbe();
        var epoch = Register(_broker, worker, name);
        _broker.Tell(new RequestWork(name, epoch, 1), worker);
        _study.ExpectMsg(new TakeUnit(name, "p-" + name));
        _broker.Tell(new UnitOffered(name, Unit(ordinal), 1), _study);
        Assert.Equal(ordinal, worker.ExpectMsg<Assign>().Unit.Ordinal);
        return (worker, epoch);
    }

    private void Open() => _broker.Tell(new StudyOpened(Id, true), _study);

    [Fact]
    public void A_request_is_parked_until_a_study_has_work()
    {
        var worker = CreateTestProbe();
        var epoch = Register(_broker, worker, "w");
        _broker.Tell(new RequestWork("w", epoch, 1), worker);
        worker.ExpectNoMsg(100);
        Open();
        _study.ExpectMsg<TakeUnit>();
        _broker.Tell(new NothingToTake(Id, "w"), _study);
        _study.ExpectNoMsg(150);
        _broker.Tell(new StudyHasWork(Id), _study);
        _study.ExpectMsg<TakeUnit>();
        _broker.Tell(new UnitOffered("w", Unit(3), 2), _study);
        var assign = worker.ExpectMsg<Assign>();
        Assert.Equal((3, 2), (assign.Unit.Ordinal, assign.Attempt));
    }

    [Fact]
    public void A_lost_assignment_is_sent_again_and_no_second_unit()
    {
        Open();
        var (worker, epoch) = Leased("w", 3);
        _broker.Tell(new RequestWork("w", epoch, 1), worker);
        Assert.Equal(3, worker.ExpectMsg<Assign>().Unit.Ordinal);
        _study.ExpectNoMsg(100);
    }

    [Fact]
    public void A_stale_epoch_is_told_to_register_again()
    {
        var worker = CreateTestProbe();
        Register(_broker, worker, "w");
        _broker.Tell(new RequestWork("w", "another epoch", 1), worker);
        Assert.Equal("", worker.ExpectMsg<Registered>().Epoch);
        _broker.Tell(new WorkerBeat("stranger", "x", null, 0), worker);
        Assert.Equal("", worker.ExpectMsg<Registered>().Epoch);
    }

    [Fact]
    public void A_result_is_acknowledged_when_the_study_says_so_and_not_before()
    {
        Open();
        var (worker, epoch) = Leased("w", 3);
        var result = new UnitResult("w", "p-w", new UnitTry(Id, 3, 1), [1], null);
        _broker.Tell(result, worker);
        _study.ExpectMsg(result);
        worker.ExpectNoMsg(100);
        _broker.Tell(new UnitSettled(Id, 3, "w", true), _study);
        worker.ExpectMsg(new ResultAck(Id, 3, true));
        _broker.Tell(new RequestWork("w", epoch, 1), worker);
        _study.ExpectMsg<TakeUnit>();
    }

    [Fact]
    public void A_dead_workers_units_go_back_to_their_study()
    {
        Open();
        var (worker, _) = Leased("w", 3);
        Sys.Stop(worker);
        var lost = _study.ExpectMsg<UnitLost>();
        Assert.Equal((3, "w", "p-w"), (lost.Unit.Ordinal, lost.Worker, lost.Process));
    }

    [Fact]
    public void A_worker_that_comes_by_another_way_keeps_what_it_holds()
    {
        Open();
        var (worker, _) = Leased("w", 3);
        var again = CreateTestProbe();
        var epoch = Register(_broker, again, "w", new UnitTry(Id, 3, 1));
        _study.ExpectMsg(new UnitClaimed(new UnitTry(Id, 3, 1)));
        Sys.Stop(worker);
        _broker.Tell(new RequestWork("w", epoch, 1), again);
        _study.ExpectNoMsg(200);
        Sys.Stop(again);
        _study.ExpectMsg<UnitLost>();
    }

    [Fact]
    public void A_silent_workers_units_go_back_and_its_late_result_is_still_passed_on()
    {
        var broker = Broker(Settings with { Lease = TimeSpan.FromMilliseconds(300) });
        broker.Tell(new StudyOpened(Id, true), _study);
        var worker = CreateTestProbe();
        var epoch = Register(broker, worker, "w");
        broker.Tell(new RequestWork("w", epoch, 1), worker);
        _study.ExpectMsg<TakeUnit>();
        broker.Tell(new UnitOffered("w", Unit(3), 1), _study);
        worker.ExpectMsg<Assign>();
        _study.ExpectMsg<UnitLost>();
        var late = new UnitResult("w", "p-w", new UnitTry(Id, 3, 1), [1], null);
        _study.ExpectMsg(new ProcessGone("p-w", false));
        broker.Tell(late, worker);
        _study.ExpectMsg(late);
    }

    [Fact]
    public void After_a_long_sleep_of_the_machine_no_worker_is_taken_for_dead()
    {
        var clock = new ManualClock();
        var broker = Sys.ActorOf(WorkBroker.Props(Settings, null, clock));
        broker.Tell(new StudyOpened(Id, true), _study);
        var worker = CreateTestProbe();
        broker.Tell(new RequestWork("w", Register(broker, worker, "w"), 1), worker);
        _study.ExpectMsg<TakeUnit>();
        broker.Tell(new UnitOffered("w", Unit(3), 1), _study);
        worker.ExpectMsg<Assign>();
        clock.Advance(TimeSpan.FromHours(8));
        _study.ExpectNoMsg(300);
    }

    [Fact]
    public void The_other_worker_on_a_settled_unit_is_told_to_drop_it()
    {
        Open();
        var (slow, _) = Leased("slow", 3);
        var (fast, _) = Leased("fast", 3);
        _broker.Tell(new UnitSettled(Id, 3, "fast", true), _study);
        fast.ExpectMsg<ResultAck>();
        slow.ExpectMsg(new DropUnit(Id, 3, true));
    }

    [Fact]
    public void What_a_worker_holds_on_registering_is_claimed_and_what_it_does_not_hold_goes_back()
    {
        Open();
        var (worker, _) = Leased("w", 3);
        Register(_broker, worker, "w", new UnitTry(Id, 9, 2));
        Assert.Equal(3, _study.ExpectMsg<UnitUntouched>().Unit.Ordinal);
        Assert.Equal(9, _study.ExpectMsg<UnitClaimed>().Unit.Ordinal);
    }

    [Fact]
    public void Nothing_is_handed_out_before_every_expected_process_registered()
    {
        var broker = Broker(Settings, () => ["p-a", "p-b"]);
        broker.Tell(new StudyOpened(Id, true), _study);
        var (a, b) = (CreateTestProbe(), CreateTestProbe());
        var epoch = Register(broker, a, "a");
        broker.Tell(new RequestWork("a", epoch, 1), a);
        _study.ExpectNoMsg(200);
        Register(broker, b, "b", new UnitTry(Id, 7, 1));
        Assert.Equal(7, _study.ExpectMsg<UnitClaimed>().Unit.Ordinal);
        _study.ExpectMsg<TakeUnit>();
    }

    [Fact]
    public void A_result_waits_for_its_study_while_a_new_coordinator_reads_the_journal()
    {
        var broker = Broker(Settings with { ReviveAfter = TimeSpan.FromSeconds(30) });
        var worker = CreateTestProbe();
        Register(broker, worker, "w", new UnitTry(Id, 7, 1));
        var result = new UnitResult("w", "p-w", new UnitTry(Id, 7, 1), [1], null);
        broker.Tell(result, worker);
        broker.Tell(new StudiesAwaited([Id]), _study);
        broker.Tell(result, worker);
        worker.ExpectNoMsg(200);
        broker.Tell(new StudyOpened(Id, true), _study);
        broker.Tell(result, worker);
        Assert.Equal(7, _study.ExpectMsg<UnitClaimed>().Unit.Ordinal);
        Assert.Equal(result, _study.ExpectMsg<UnitResult>());
    }

    [Fact]
    public void A_worker_that_asks_for_work_does_not_hold_the_unit_that_it_claimed_any_more()
    {
        Open();
        var worker = CreateTestProbe();
        var epoch = Register(_broker, worker, "w", new UnitTry(Id, 7, 1));
        _study.ExpectMsg<UnitClaimed>();
        _broker.Tell(new RequestWork("w", epoch, 1), worker);
        Assert.Equal(7, _study.ExpectMsg<UnitUntouched>().Unit.Ordinal);
        _study.ExpectMsg<TakeUnit>();
    }

    [Fact]
    public void A_node_counts_as_registered_when_all_its_workers_did()
    {
        var broker = Broker(Settings, () => ["n"]);
        broker.Tell(new StudyOpened(Id, true), _study);
        var (a, b) = (CreateTestProbe(), CreateTestProbe());
        broker.Tell(new RegisterWorker("a", "p", "cpu", [], "n", 2), a);
        broker.Tell(new RequestWork("a", a.ExpectMsg<Registered>().Epoch, 1), a);
        _study.ExpectNoMsg(200);
        broker.Tell(new RegisterWorker("b", "p", "cpu", [], "n", 2), b);
        _study.ExpectMsg<TakeUnit>();
    }

    [Fact]
    public void A_worker_that_cannot_compute_a_study_is_passed_over_while_there_is_another()
    {
        Open();
        var (unfit, _) = Leased("unfit", 3);
        var (other, _) = Leased("other", 4);
        _broker.Tell(new UnitFailure("unfit", "p-unfit", new UnitTry(Id, 3, 1), UnitFailureKind.Unfit, "no such model"), unfit);
        Assert.Equal(3, _study.ExpectMsg<UnitUntouched>().Unit.Ordinal);
        unfit.ExpectMsg<ResultAck>();

        var last = new UnitFailure("other", "p-other", new UnitTry(Id, 4, 1), UnitFailureKind.Unfit, "no such model");
        _broker.Tell(last, other);
        // Nobody is left to try: the study hears of it, and gives the unit up after some tries.
        Assert.Equal(last, _study.ExpectMsg<UnitFailure>());
    }

    [Theory]
    [InlineData(UnitFailureKind.Unfit)]
    [InlineData(UnitFailureKind.Fatal)]
    public void A_study_that_no_worker_can_compute_hears_why_until_one_can(UnitFailureKind kind)
    {
        Open();
        var (only, epoch) = Leased("only", 3);
        var failure = new UnitFailure("only", "p-only", new UnitTry(Id, 3, 1), kind, "no room for the model");
        _broker.Tell(failure, only);
        Assert.Equal(failure, _study.ExpectMsg<UnitFailure>());
        Assert.Equal("no worker can compute it; p-only: no room for the model", _study.FishForMessage<StudyHeldUp>(_ => true).Reason);

        if (kind == UnitFailureKind.Fatal)
        {
            Register(_broker, CreateTestProbe(), "another");
        }
        else
        {
            // Where there is no other, it is tried again.
            _broker.Tell(new UnitSettled(Id, 3, "only", false), _study);
            _broker.Tell(new RequestWork("only", epoch, 1), only);
            _study.FishForMessage<TakeUnit>(_ => true);
            _broker.Tell(new UnitOffered("only", Unit(3), 2), _study);
            _broker.Tell(new UnitResult("only", "p-only", new UnitTry(Id, 3, 2), [1], null), only);
        }
        Assert.Null(_study.FishForMessage<StudyHeldUp>(_ => true).Reason);
    }

    [Fact]
    public void Studies_hear_when_the_last_worker_of_a_process_is_gone()
    {
        Open();
        var (a, b) = (CreateTestProbe(), CreateTestProbe());
        _broker.Tell(new RegisterWorker("p/0", "p", "cpu", []), a);
        _broker.Tell(new RegisterWorker("p/1", "p", "cpu", []), b);
        _broker.Tell(new WorkerLeaving("p/0"), a);
        _study.ExpectNoMsg(100);
        _broker.Tell(new WorkerLeaving("p/1"), b);
        Assert.Equal(new ProcessGone("p", true), _study.ExpectMsg<ProcessGone>());
    }

    [Fact]
    public void Nothing_is_handed_out_before_the_grace_time_where_a_process_never_comes()
    {
        var clock = new ManualClock();
        var broker = Sys.ActorOf(WorkBroker.Props(Settings, () => ["p-a", "p-never"], clock));
        broker.Tell(new StudyOpened(Id, true), _study);
        var a = CreateTestProbe();
        broker.Tell(new RequestWork("a", Register(broker, a, "a"), 1), a);
        _study.ExpectNoMsg(150);
        clock.Advance(Settings.ReconcileGrace);
        _study.ExpectMsg<TakeUnit>();
    }

    [Fact]
    public void Studies_share_the_workers_evenly()
    {
        var ids = Enumerable.Range(0, 3).Select(i => FakePlanner.Study($"s{i}").Id).ToArray();
        var probes = ids.Select(_ => CreateTestProbe()).ToArray();
        for (var i = 0; i < 3; i++) _broker.Tell(new StudyOpened(ids[i], true), probes[i]);
        for (var w = 0; w < 9; w++)
        {
            var worker = CreateTestProbe();
            _broker.Tell(new RequestWork($"w{w}", Register(_broker, worker, $"w{w}"), 1), worker);
            // Whichever study was asked answers.
            var asked = Enumerable.Range(0, 3).First(i => probes[i].HasMessages || Wait(probes, i));
            probes[asked].ExpectMsg<TakeUnit>();
            _broker.Tell(new UnitOffered($"w{w}", Unit(w, ids[asked]), 1), probes[asked]);
            worker.ExpectMsg<Assign>();
            _taken[asked] = _taken.GetValueOrDefault(asked) + 1;
        }
        Assert.Equal([3, 3, 3], _taken.OrderBy(t => t.Key).Select(t => t.Value));
    }

    private readonly Dictionary<int, int> _taken = [];

    private bool Wait(TestProbe[] probes, int i)
    {
        AwaitCondition(() => probes.Any(p => p.HasMessages), TimeSpan.FromSeconds(5));
        return probes[i].HasMessages;
    }

    [Fact]
    public void A_closed_studys_running_units_are_dropped()
    {
        Open();
        var (worker, _) = Leased("w", 3);
        _broker.Tell(new StudyClosed(Id), _study);
        worker.ExpectMsg(new DropUnit(Id, 3));
    }

    [Fact]
    public void A_stopped_study_counts_as_closed()
    {
        Open();
        var (worker, _) = Leased("w", 3);
        Sys.Stop(_study);
        worker.ExpectMsg(new DropUnit(Id, 3));
    }

    [Fact]
    public void A_study_that_will_be_read_again_finds_its_workers_and_their_results_as_they_were()
    {
        var broker = Broker(Settings with { ReviveAfter = TimeSpan.FromSeconds(1) });
        broker.Tell(new StudiesAwaited([]), _study);
        broker.Tell(new StudyOpened(Id, true), _study);
        var worker = CreateTestProbe();
        Register(broker, worker, "w", new UnitTry(Id, 7, 1));
        _study.ExpectMsg<UnitClaimed>();
        Sys.Stop(_study);
        worker.ExpectNoMsg(100);
        var result = new UnitResult("w", "p-w", new UnitTry(Id, 7, 1), [1], null);
        broker.Tell(result, worker);
        worker.ExpectNoMsg(100);

        var again = CreateTestProbe();
        broker.Tell(new StudyOpened(Id, true), again);
        Assert.Equal(7, again.ExpectMsg<UnitClaimed>().Unit.Ordinal);
        broker.Tell(result, worker);
        again.FishForMessage(m => Equals(m, result));
    }

    [Fact]
    public void A_unit_of_a_study_that_turns_out_to_be_over_is_dropped()
    {
        var broker = Broker(Settings with { ReviveAfter = TimeSpan.FromSeconds(1) });
        var worker = CreateTestProbe();
        Register(broker, worker, "w", new UnitTry(Id, 7, 1));
        broker.Tell(new StudiesAwaited([Id]), _study);
        broker.Tell(new StudyClosed(Id), _study);
        worker.ExpectMsg(new DropUnit(Id, 7));
    }

    [Fact]
    public void A_returned_unit_goes_back_without_counting()
    {
        Open();
        var (worker, _) = Leased("w", 3);
        _broker.Tell(new UnitReturned("w", new UnitTry(Id, 3, 1)), worker);
        Assert.Equal(3, _study.ExpectMsg<UnitUntouched>().Unit.Ordinal);
        worker.ExpectMsg(new ResultAck(Id, 3));
    }
}
