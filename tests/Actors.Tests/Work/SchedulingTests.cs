using Akka.Actor;
using Akka.TestKit;
using InterpActors.Actors.Configuration;
using InterpActors.Actors.Work;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using InterpActors.TestSupport;

namespace InterpActors.Actors.Tests.Work;

/// <summary>Which worker gets which units: priorities, several units in hand, slow tails, what workers can and cannot do.</summary>
public class SchedulingTests : ActorTestKit
{
    private static readonly StudyId Id = FakePlanner.Study().Id;

    private static readonly WorkSettings Quick = Settings with { Tail = new TailPolicy(3, TimeSpan.FromMilliseconds(200)) };

    private readonly TestProbe _study;
    private readonly IActorRef _broker;

    public SchedulingTests()
    {
        _study = CreateTestProbe("study");
        _broker = Sys.ActorOf(WorkBroker.Props(Quick));
    }

    private sealed record Worker(string Name, TestProbe Probe, string Epoch);

    private Worker Join(string name, WorkerCapabilities? can = null, string? process = null, IActorRef? broker = null)
    {
        var probe = CreateTestProbe();
        (broker ?? _broker).Tell(new RegisterWorker(name, process ?? "p-" + name, can?.DeviceKind ?? "cpu", [], Can: can), probe);
        return new Worker(name, probe, probe.ExpectMsg<Registered>().Epoch);
    }

    private void Ask(Worker worker, int demand = 1, UnitTry[]? holding = null) =>
        _broker.Tell(new RequestWork(worker.Name, worker.Epoch, demand, holding), worker.Probe);

    private static WorkUnit Unit(long ordinal, StudyId? study = null) =>
        new(study ?? Id, ordinal, 0, 0, EngineKind.Patching, 1, $"unit {ordinal}");

    private static UnitTry Try(long ordinal) => new(Id, ordinal, 1);

    private void Open(StudyNeeds? needs = null) => _broker.Tell(new StudyOpened(Id, true, 0, needs), _study);

    /// <summary>The study hands these units to the worker, one after the other.</summary>
    private void Give(Worker worker, params long[] ordinals)
    {
        Ask(worker, ordinals.Length);
        foreach (var ordinal in ordinals)
        {
            Assert.Equal(worker.Name, _study.FishForMessage<TakeUnit>(_ => true).Worker);
            _broker.Tell(new UnitOffered(worker.Name, Unit(ordinal), 1), _study);
            Assert.Equal(ordinal, worker.Probe.ExpectMsg<Assign>().Unit.Ordinal);
        }
    }

    private void Dry(Worker worker)
    {
        Ask(worker);
        _study.FishForMessage<TakeUnit>(m => m.Worker == worker.Name);
        _broker.Tell(new NothingToTake(Id, worker.Name), _study);
    }

    private void Finish(Worker worker, long ordinal)
    {
        _broker.Tell(new UnitResult(worker.Name, "p-" + worker.Name, Try(ordinal), [1], null), worker.Probe);
        _study.FishForMessage<UnitResult>(m => m.Unit.Ordinal == ordinal);
        _broker.Tell(new UnitSettled(Id, ordinal, worker.Name, true), _study);
        worker.Probe.FishForMessage<ResultAck>(m => m.Ordinal == ordinal);
    }

    /// <summary>
    /// A worker whose units have become longer holds more than it wants: without its word on that, the unit went to and fro.
    /// </summary>
    [Fact]
    public void A_worker_that_hands_a_unit_back_for_it_holds_enough_is_not_given_it_again()
    {
        Open();
        var worker = Join("w");
        Give(worker, 1, 2);
        _broker.Tell(new UnitReturned("w", Try(2), 1), worker.Probe);
        Assert.Equal(2, _study.FishForMessage<UnitUntouched>(_ => true).Unit.Ordinal);
        _broker.Tell(new StudyHasWork(Id), _study);
        _study.ExpectNoMsg(200);
        Finish(worker, 1);
        Ask(worker);
        _study.FishForMessage<TakeUnit>(m => m.Worker == "w");
    }

    [Fact]
    public void A_higher_priority_gets_more_workers_and_the_lower_one_some()
    {
        var low = CreateTestProbe();
        var lowId = FakePlanner.Study("low").Id;
        _broker.Tell(new StudyOpened(Id, true, 2), _study);
        _broker.Tell(new StudyOpened(lowId, true), low);
        var taken = (High: 0, Low: 0);
        for (var i = 0; i < 15; i++)
        {
            Ask(Join($"w{i}"));
            AwaitCondition(() => _study.HasMessages || low.HasMessages);
            var (probe, id) = _study.HasMessages ? (_study, Id) : (low, lowId);
            taken = id == Id ? (taken.High + 1, taken.Low) : (taken.High, taken.Low + 1);
            probe.ExpectMsg<TakeUnit>();
            _broker.Tell(new UnitOffered($"w{i}", Unit(i, id), 1), probe);
        }
        Assert.Equal((12, 3), taken);
    }

    [Fact]
    public void Of_several_units_in_a_dead_workers_hands_only_the_first_counts_as_tried()
    {
        Open();
        var worker = Join("w");
        Give(worker, 3, 4, 5);
        Sys.Stop(worker.Probe);
        Assert.Equal(3, _study.ExpectMsg<UnitLost>().Unit.Ordinal);
        Assert.Equal(4, _study.ExpectMsg<UnitUntouched>().Unit.Ordinal);
        Assert.Equal(5, _study.ExpectMsg<UnitUntouched>().Unit.Ordinal);
    }

    [Fact]
    public void What_a_worker_does_not_hold_of_several_units_is_sent_again()
    {
        Open();
        var worker = Join("w");
        Give(worker, 3, 4, 5);
        Ask(worker, 4, [Try(3), Try(5)]);
        Assert.Equal(4, worker.Probe.ExpectMsg<Assign>().Unit.Ordinal);
        worker.Probe.ExpectNoMsg(50);
    }

    [Fact]
    public void A_slow_workers_last_unit_goes_to_an_idle_one_too_and_the_first_result_counts()
    {
        Open();
        var (slow, fast) = (Join("slow"), Join("fast"));
        Give(slow, 1);
        Give(fast, 2);
        Finish(fast, 2);
        Dry(fast);
        var again = _study.FishForMessage<TakeAgain>(_ => true);
        Assert.Equal(("fast", Try(1)), (again.Worker, again.Unit));
        _broker.Tell(new UnitOffered("fast", Unit(1), 1), _study);
        Assert.Equal(1, fast.Probe.FishForMessage<Assign>(_ => true).Attempt);
        // Two are enough.
        Ask(Join("third"));
        _study.ExpectNoMsg(300);
        Finish(fast, 1);
        slow.Probe.ExpectMsg(new DropUnit(Id, 1, true));
        _broker.Tell(new WorkerBeat("slow", slow.Epoch, Try(1), 0.5), slow.Probe);
        Assert.Equal("p-slow", _study.FishForMessage<ProcessHeard>(_ => true).Process);
    }

    [Fact]
    public void A_result_that_waits_for_the_journal_is_not_computed_by_an_idle_worker_too()
    {
        Open();
        var (slow, fast) = (Join("slow"), Join("fast"));
        Give(slow, 1);
        Give(fast, 2);
        Finish(fast, 2);
        _broker.Tell(new UnitResult("slow", "p-slow", Try(1), [1], null), slow.Probe);
        _study.FishForMessage<UnitResult>(m => m.Unit.Ordinal == 1);
        Dry(fast);
        _study.ExpectNoMsg(500);
    }

    [Fact]
    public void The_death_of_one_of_two_workers_on_a_unit_is_no_failure_of_it()
    {
        Open();
        var (slow, fast) = (Join("slow"), Join("fast"));
        Give(slow, 1);
        Give(fast, 2);
        Finish(fast, 2);
        Dry(fast);
        _study.FishForMessage<TakeAgain>(_ => true);
        _broker.Tell(new UnitOffered("fast", Unit(1), 1), _study);
        fast.Probe.FishForMessage<Assign>(_ => true);
        Sys.Stop(slow.Probe);
        Assert.Equal(new ProcessGone("p-slow", false), _study.ExpectMsg<ProcessGone>());
        Sys.Stop(fast.Probe);
        Assert.Equal(1, _study.ExpectMsg<UnitLost>().Unit.Ordinal);
    }

    [Fact]
    public void Nothing_is_computed_twice_while_there_are_other_units_or_by_a_sibling_of_the_slow_worker()
    {
        Open();
        var (slow, fast) = (Join("slow"), Join("fast"));
        Give(slow, 1);
        Give(fast, 2);
        Finish(fast, 2);
        Ask(fast);
        _study.FishForMessage<TakeUnit>(_ => true);
        _study.ExpectNoMsg(400);
        _broker.Tell(new NothingToTake(Id, "fast"), _study);
        _study.FishForMessage<TakeAgain>(_ => true);
        _broker.Tell(new NotAgain(Id, "fast"), _study);
        Sys.Stop(fast.Probe);
        _study.FishForMessage<ProcessGone>(_ => true);
        Ask(Join("sibling", process: "p-slow"));
        _study.ExpectNoMsg(400);
    }

    [Fact]
    public void A_result_that_was_late_by_a_frozen_worker_is_answered_and_counts_once()
    {
        var broker = Sys.ActorOf(WorkBroker.Props(Settings with { Lease = TimeSpan.FromMilliseconds(300) }));
        broker.Tell(new StudyOpened(Id, true), _study);
        var frozen = Join("frozen", broker: broker);
        broker.Tell(new RequestWork("frozen", frozen.Epoch, 1), frozen.Probe);
        _study.ExpectMsg<TakeUnit>();
        broker.Tell(new UnitOffered("frozen", Unit(3), 1), _study);
        frozen.Probe.ExpectMsg<Assign>();
        _study.ExpectMsg<UnitLost>();

        // It thaws: the broker does not know it, so it registers with what it holds and sends the result again.
        broker.Tell(new WorkerBeat("frozen", frozen.Epoch, Try(3), 0.9), frozen.Probe);
        Assert.Equal("", frozen.Probe.ExpectMsg<Registered>().Epoch);
        broker.Tell(new RegisterWorker("frozen", "p-frozen", "cpu", [Try(3)]), frozen.Probe);
        Assert.NotEqual("", frozen.Probe.ExpectMsg<Registered>().Epoch);
        Assert.Equal(Try(3), _study.FishForMessage<UnitClaimed>(_ => true).Unit);
        broker.Tell(new UnitResult("frozen", "p-frozen", Try(3), [1], null), frozen.Probe);
        _study.ExpectMsg<UnitResult>();
        broker.Tell(new UnitSettled(Id, 3, "frozen", true), _study);
        frozen.Probe.ExpectMsg(new ResultAck(Id, 3, true));
    }

    [Fact]
    public void A_study_waits_for_a_worker_that_has_what_it_needs_and_says_what_that_is()
    {
        Open(new StudyNeeds("cuda", 8L << 30, "fp32", 1));
        var cpu = Join("cpu");
        Ask(cpu);
        Assert.Equal("needs a cuda device; there are cpu", _study.ExpectMsg<StudyHeldUp>().Reason);
        Ask(Join("small", new WorkerCapabilities("cuda", 4L << 30, ["fp32"], 1)));
        Assert.Equal("needs 8 GiB of memory; the largest cuda worker has 4 GiB", _study.ExpectMsg<StudyHeldUp>().Reason);
        var large = Join("large", new WorkerCapabilities("cuda", 80L << 30, ["fp32"], 1));
        Ask(large);
        Assert.Equal("large", _study.FishForMessage<TakeUnit>(_ => true).Worker);
        Assert.Null(_study.ExpectMsg<StudyHeldUp>().Reason);
    }

    [Fact]
    public void A_study_of_more_threads_prefers_workers_that_have_them_and_takes_others_where_there_is_none()
    {
        Open(new StudyNeeds("cpu", 0, "fp64", 4));
        var one = Join("one", new WorkerCapabilities("cpu", 0, ["fp32", "fp64"], 1));
        Ask(one);
        Assert.Equal("one", _study.ExpectMsg<TakeUnit>().Worker);
        _broker.Tell(new UnitOffered("one", Unit(1), 1), _study);
        Ask(Join("four", new WorkerCapabilities("cpu", 0, ["fp32", "fp64"], 4)));
        Assert.Equal("four", _study.ExpectMsg<TakeUnit>().Worker);
        Finish(one, 1);
        Ask(one);
        _study.ExpectNoMsg(200);
    }

    [Fact]
    public void A_machine_that_cannot_go_on_is_set_aside_while_there_is_another_and_its_unit_moves()
    {
        Open();
        var (full, sibling, other) = (Join("full", process: "p-full"), Join("sibling", process: "p-full"), Join("other"));
        Give(full, 3);
        Give(other, 4);
        _broker.Tell(new UnitFailure("full", "p-full", Try(3), UnitFailureKind.Fatal, "the disk is full"), full.Probe);
        Assert.Equal(3, _study.ExpectMsg<UnitUntouched>().Unit.Ordinal);
        full.Probe.ExpectMsg(new ResultAck(Id, 3));
        Ask(full);
        Ask(sibling);
        _study.ExpectNoMsg(200);
        _broker.Tell(new GetWorkers(), TestActor);
        Assert.Equal(["the disk is full", null, "the disk is full"], ExpectMsg<WorkersReply>().Workers.Select(w => w.SetAside));

        // The last machine: its study hears of it, and stops.
        var last = new UnitFailure("other", "p-other", Try(4), UnitFailureKind.Fatal, "the disk is full");
        _broker.Tell(last, other.Probe);
        Assert.Equal(last, _study.ExpectMsg<UnitFailure>());
    }

    [Fact]
    public void A_unit_that_found_no_memory_is_tried_again_where_there_is_more_and_counts_as_tried()
    {
        WorkerCapabilities Can(long gib) => new("cpu", gib << 30, ["fp32"], 1);
        Open(new StudyNeeds("cpu", 1, "fp32", 1));
        var (small, alike, large) = (Join("small", Can(4)), Join("alike", Can(4)), Join("large", Can(64)));
        Give(small, 3);
        var failure = new UnitFailure("small", "p-small", Try(3), UnitFailureKind.OutOfMemory, "no memory");
        _broker.Tell(failure, small.Probe);
        Assert.Equal(failure, _study.ExpectMsg<UnitFailure>());
        _broker.Tell(new UnitSettled(Id, 3, "small", false), _study);
        Ask(small);
        Ask(alike);
        _study.ExpectNoMsg(200);
        Ask(large);
        Assert.Equal("large", _study.ExpectMsg<TakeUnit>().Worker);
    }
}
