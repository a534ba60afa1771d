using Akka.Actor;
using Akka.Persistence;
using InterpActors.Actors.Studies;
using InterpActors.Actors.Work;
using InterpActors.Messages.Artifacts;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using InterpActors.TestSupport;

namespace InterpActors.Actors.Tests.Studies;

/// <summary>A study's supervisor from submission to end.</summary>
[Collection(nameof(ChaosJournal))]
public class StudySupervisorTests : StudyTestKit
{
    [Fact]
    public void Hands_out_every_unit_once_layer_by_layer_and_completes()
    {
        var study = Submit();
        var offers = Enumerable.Range(0, 6).Select(_ => Take(study)).ToArray();
        Assert.Equal([0L, 1, 2, 3, 4, 5], offers.Select(o => o.Unit.Ordinal));
        study.Tell(new TakeUnit("w", "p1"), Broker);
        Broker.ExpectMsg<NothingToTake>();
        Assert.Equal(6, Progress().Running.Count);
        foreach (var offer in offers.Reverse())
        {
            study.Tell(Result(offer), Broker);
            Assert.Equal(new UnitSettled(Study.Id, offer.Unit.Ordinal, "w", true), Broker.ExpectMsg<UnitSettled>());
        }
        Broker.ExpectMsg(new StudyClosed(Study.Id));
        var progress = Progress();
        Assert.Equal((RunState.Completed, 6L), (progress.State, progress.Committed));
        Assert.Equal([3L, 3], progress.Layers.Select(l => l.Committed));
        Assert.Equal([9L, 9], progress.Tracks.Select(t => t.CommittedCells));
    }

    [Fact]
    public void Acknowledges_after_the_journal_has_the_result_and_only_once()
    {
        var study = Submit();
        var offer = Take(study);
        ChaosJournal.Gate = new TaskCompletionSource();
        study.Tell(Result(offer), Broker);
        study.Tell(Result(offer, "other"), Broker);
        Broker.ExpectNoMsg(200);
        ChaosJournal.Gate.SetResult();
        Assert.Equal("w", Broker.ExpectMsg<UnitSettled>().Worker);
        study.Tell(Result(offer, "other"), Broker);
        Assert.Equal("other", Broker.ExpectMsg<UnitSettled>().Worker);
        Assert.Equal(1, Progress().Committed);
    }

    [Fact]
    public void A_transient_failure_rests_and_comes_back_with_the_next_attempt_until_given_up()
    {
        var study = Submit();
        for (var attempt = 1; attempt <= 3; attempt++)
        {
            // The others are in the hands of workers that take their time.
            var offer = AwaitTake(study);
            while (offer.Unit.Ordinal != 0) offer = AwaitTake(study);
            Assert.Equal(attempt, offer.Attempt);
            study.Tell(Failure(offer, UnitFailureKind.Transient), Broker);
            Assert.Equal(attempt == 3, ((UnitSettled)Broker.FishForMessage(m => m is UnitSettled)).Finished);
        }
        study.Tell(new GetHistory(Study.Id), TestActor);
        Assert.Equal(new UnitDefeat(0, "unit 0", 3, "bad"), Assert.Single(ExpectMsg<HistoryReply>().History.Failures));
    }

    /// <summary>The next unit, also one that has to rest first.</summary>
    private UnitOffered AwaitTake(IActorRef study)
    {
        UnitOffered? offer = null;
        AwaitAssert(() =>
        {
            study.Tell(new TakeUnit("w", "p1"), Broker);
            offer = Broker.FishForMessage(m => m is UnitOffered or NothingToTake) as UnitOffered;
            Assert.NotNull(offer);
        });
        return offer!;
    }

    [Fact]
    public void Deaths_of_workers_are_counted_across_restarts()
    {
        var study = Submit();
        for (var attempt = 1; attempt <= 2; attempt++)
        {
            var offer = AwaitTake(study);
            Assert.Equal((0L, attempt), (offer.Unit.Ordinal, offer.Attempt));
            study.Tell(new UnitLost(new UnitTry(Study.Id, 0, offer.Attempt), "w", "p1", "worker w died"), Broker);
            Studies.Tell(new GetProgress(Study.Id), TestActor);
            ExpectMsg<ProgressReply>();
            Restart();
            study = Submit();
        }
        var last = AwaitTake(study);
        Assert.Equal(3, last.Attempt);
        study.Tell(new UnitLost(new UnitTry(Study.Id, 0, 3), "w", "p1", "worker w died"), Broker);
        AwaitAssert(() => Assert.Equal(1, Progress().Failed));
    }

    [Fact]
    public void A_restart_goes_on_where_the_journal_ends_also_from_a_snapshot()
    {
        var planner = new FakePlanner(5, 20);
        Studies = Sys.ActorOf(StudyRegistry.Props(new StudyServices(Broker, planner, Settings, TimeProvider.System, "j")), "big");
        var study = Submit();
        var done = new HashSet<long>();
        for (var i = 0; i < 37; i++)
        {
            var offer = Take(study);
            study.Tell(Result(offer), Broker);
            Broker.FishForMessage(m => m is UnitSettled);
            Assert.True(done.Add(offer.Unit.Ordinal));
        }
        Watch(Studies);
        Sys.Stop(Studies);
        ExpectTerminated(Studies);
        Studies = Sys.ActorOf(StudyRegistry.Props(new StudyServices(Broker, planner, Settings, TimeProvider.System, "j")), "big2");
        study = Submit();
        var progress = Progress();
        Assert.Equal((37, 37), (progress.Committed, progress.Resumed));
        for (var i = 37; i < 100; i++) Assert.True(done.Add(Take(study).Unit.Ordinal));
    }

    [Fact]
    public void Snapshot_and_later_events_give_the_same_state_as_all_events_and_old_snapshots_go()
    {
        var planner = new FakePlanner(5, 20);
        Studies = Sys.ActorOf(StudyRegistry.Props(new StudyServices(Broker, planner, Settings, TimeProvider.System, "j")), "many");
        var study = Submit();
        // A snapshot every ten events; the last ones come after it.
        for (var i = 0; i < 56; i++)
        {
            var offer = Take(study);
            study.Tell(i % 7 == 6 ? Failure(offer, UnitFailureKind.Permanent) : Result(offer), Broker);
            Broker.FishForMessage(m => m is UnitSettled);
        }
        var last = Snapshot(long.MaxValue)!.Metadata.SequenceNr;
        AwaitAssert(() => Assert.Null(Snapshot(last - 1)));
        var before = (Progress(), History());
        Watch(Studies);
        Sys.Stop(Studies);
        ExpectTerminated(Studies);
        Studies = Sys.ActorOf(StudyRegistry.Props(new StudyServices(Broker, planner, Settings, TimeProvider.System, "j")), "many2");
        Submit();
        var after = (Progress(), History());
        Assert.Equal((before.Item1.Committed, before.Item1.Failed), (after.Item1.Committed, after.Item1.Failed));
        Assert.Equal(before.Item1.Layers, after.Item1.Layers);
        Assert.Equal(before.Item1.Tracks, after.Item1.Tracks);
        Assert.Equal(before.Item2.Failures, after.Item2.Failures);
        Assert.Equal(before.Item2.Processes, after.Item2.Processes);
    }

    /// <summary>The latest snapshot of the study up to a place of its journal.</summary>
    private SelectedSnapshot? Snapshot(long upTo)
    {
        var criteria = new SnapshotSelectionCriteria(upTo, DateTime.MaxValue);
        Persistence.Instance.Apply(Sys).SnapshotStoreFor("")
            .Tell(new LoadSnapshot(StudySupervisor.PersistenceIdOf(Study.Id), criteria, long.MaxValue), TestActor);
        return ExpectMsg<LoadSnapshotResult>().Snapshot;
    }

    [Fact]
    public void A_unit_that_a_worker_still_holds_is_not_handed_out_again()
    {
        var study = Submit();
        var held = Take(study);
        Restart();
        Studies.Tell(new SubmitStudy(Study, "p1"), TestActor);
        Broker.FishForMessage(m => m is StudyOpened);
        study = Broker.LastSender;
        study.Tell(new UnitClaimed(new UnitTry(Study.Id, held.Unit.Ordinal, held.Attempt)), Broker);
        ExpectMsg<ProgressReply>();
        for (var i = 0; i < 5; i++) Assert.NotEqual(held.Unit.Ordinal, Take(study).Unit.Ordinal);
        study.Tell(new TakeUnit("w", "p1"), Broker);
        Broker.FishForMessage(m => m is NothingToTake);
    }

    [Fact]
    public void A_full_disk_stops_the_study_with_one_line_and_nothing_is_acknowledged()
    {
        var study = Submit();
        var offer = Take(study);
        ChaosJournal.Error = 13;
        Watch(study);
        study.Tell(Result(offer), Broker);
        ExpectTerminated(study);
        Broker.ExpectNoMsg(100);
        const string line = "journal runs/x/journal.db: disk full; free space and run again, the study goes on where it was";
        AwaitAssert(() => Assert.Equal(line, Progress().Error));
        ChaosJournal.Error = 0;
        Restart();
        study = Submit();
        Assert.Equal(0, Progress().Committed);
        Assert.Equal(offer.Unit.Ordinal, Take(study).Unit.Ordinal);
    }

    [Fact]
    public void Results_that_wait_for_the_journal_are_lost_with_it_and_taken_again()
    {
        var study = Submit();
        var offers = Enumerable.Range(0, 6).Select(i => Take(study, $"w{i}")).ToArray();
        ChaosJournal.Gate = new TaskCompletionSource();
        // The first write is on its way, the other results wait behind it; each comes twice, as after a slow acknowledgement.
        foreach (var offer in offers.Concat(offers)) study.Tell(Result(offer, $"w{offer.Unit.Ordinal}"), Broker);
        Broker.ExpectNoMsg(100);
        Watch(study);
        ChaosJournal.Error = 13;
        ChaosJournal.Gate.SetResult();
        ExpectTerminated(study);
        Broker.ExpectNoMsg(100);
        (ChaosJournal.Error, ChaosJournal.Gate) = (0, null);
        Restart();
        study = Submit();
        Assert.Equal(0, Progress().Committed);
        foreach (var offer in offers)
        {
            study.Tell(Result(offer, "w"), Broker);
            Assert.Equal(offer.Unit.Ordinal, ((UnitSettled)Broker.FishForMessage(m => m is UnitSettled)).Ordinal);
        }
        AwaitAssert(() => Assert.Equal((RunState.Completed, 6L), (Progress().State, Progress().Committed)));
    }

    [Fact]
    public void A_disk_that_is_still_full_refuses_the_next_submission()
    {
        Submit();
        Restart();
        ChaosJournal.Error = 13;
        Studies.Tell(new SubmitStudy(Study, "p2"), TestActor);
        Assert.Contains("disk full", ExpectMsg<StudyRefused>().Problem);
    }

    [Fact]
    public void A_registry_that_cannot_write_says_so()
    {
        Sys.EventStream.Subscribe(TestActor, typeof(JournalBroke));
        ChaosJournal.Error = 10;
        Studies.Tell(new SubmitStudy(Study, "p1"), TestActor);
        Assert.Contains("read or write error", ExpectMsg<JournalBroke>().Problem);
    }

    [Fact]
    public void A_fatal_failure_stops_the_study_and_is_nobodys_attempt()
    {
        var study = Submit();
        var offer = Take(study);
        Watch(study);
        study.Tell(Failure(offer, UnitFailureKind.Fatal), Broker);
        ExpectTerminated(study);
        AwaitAssert(() => Assert.Contains("bad", Progress().Error));
        Restart();
        study = Submit();
        Assert.Equal(1, Take(study).Attempt);
    }

    [Fact]
    public void ABroker_without_memory_gets_every_unit_back()
    {
        var study = Submit();
        var first = Take(study);
        Sys.EventStream.Publish(new BrokerReborn());
        Broker.ExpectMsg<StudyOpened>();
        Assert.Equal(first.Unit.Ordinal, Take(study).Unit.Ordinal);
    }

    [Fact]
    public void Submitting_again_is_the_same_run_and_plans_once()
    {
        Submit();
        Submit();
        Assert.Equal(1, Planner.Plans);
        Studies.Tell(new GetHistory(Study.Id), TestActor);
        Assert.Single(ExpectMsg<HistoryReply>().History.Processes);
    }

    [Fact]
    public void An_unknown_study_is_refused()
    {
        Studies.Tell(new GetProgress(FakePlanner.Study("other").Id), TestActor);
        Assert.Contains("is not known", ExpectMsg<StudyRefused>().Problem);
    }

    [Fact]
    public void A_priority_is_kept_in_the_journal_and_told_to_theBroker()
    {
        Studies.Tell(new SubmitStudy(Study, "p1", 3), TestActor);
        Assert.Equal(3, ExpectMsg<ProgressReply>().Progress.Priority);
        Assert.Equal(3, Broker.FishForMessage<StudyOpened>(m => m.HasWork).Priority);
        // Submitted again without one it stays.
        Submit();
        Restart();
        Studies.Tell(new SubmitStudy(Study, "p1"), TestActor);
        Assert.Equal(3, ExpectMsg<ProgressReply>().Progress.Priority);
        Studies.Tell(new SubmitStudy(Study, "p1", -2), TestActor);
        Assert.Equal(-2, ExpectMsg<ProgressReply>().Progress.Priority);
        Broker.FishForMessage(m => m is StudyOpened { HasWork: true, Priority: -2 });
    }

    [Fact]
    public void What_holds_a_study_up_is_part_of_its_progress()
    {
        var study = Submit();
        study.Tell(new StudyHeldUp("no worker is there"), Broker);
        study.Tell(new GetProgress(Study.Id), TestActor);
        Assert.Equal("no worker is there", ExpectMsg<ProgressReply>().Progress.Waiting);
    }

    [Fact]
    public void A_unit_is_given_to_a_second_worker_until_it_is_settled()
    {
        var study = Submit();
        var offered = Take(study);
        var unit = new UnitTry(Study.Id, offered.Unit.Ordinal, offered.Attempt);
        study.Tell(new TakeAgain("w2", "p2", unit, "p1"), Broker);
        Assert.Equal(("w2", unit.Ordinal, 1), (Broker.ExpectMsg<UnitOffered>() is var o ? (o.Worker, o.Unit.Ordinal, o.Attempt) : default));
        study.Tell(new UnitResult("w2", "p2", unit, FakeRunner.Payload(unit.Ordinal), null), Broker);
        Assert.True(Broker.ExpectMsg<UnitSettled>().Finished);
        study.Tell(new TakeAgain("w3", "p3", unit, "p1"), Broker);
        Assert.Equal("w3", Broker.ExpectMsg<NotAgain>().Worker);
        // The slow one's result is answered, and changes nothing.
        study.Tell(new UnitResult("w", "p1", unit, [0], null), Broker);
        Assert.Equal(("w", true), (Broker.ExpectMsg<UnitSettled>() is var s ? (s.Worker, s.Finished) : default));
        study.Tell(new GetProgress(Study.Id), TestActor);
        Assert.Equal(1, ExpectMsg<ProgressReply>().Progress.Committed);
    }

    [Fact]
    public void A_process_that_was_slow_with_a_unit_ends_with_the_study_only_when_it_is_heard_again()
    {
        var study = Submit();
        foreach (var process in (string[])["p2", "p3"]) study.Tell(new TakeUnit($"{process}/w", process), Broker);
        var units = Enumerable.Range(0, 2).Select(_ => (UnitOffered)Broker.FishForMessage(m => m is UnitOffered)).ToArray();
        foreach (var (unit, slow) in units.Zip(["p2", "p3"]))
            study.Tell(new TakeAgain("w", "p1", new UnitTry(Study.Id, unit.Unit.Ordinal, 1), slow), Broker);
        for (var i = 0; i < 6; i++)
            study.Tell(new UnitResult("w", "p1", new UnitTry(Study.Id, i, 1), FakeRunner.Payload(i), null), Broker);
        Broker.FishForMessage(m => m is StudyClosed);
        study.Tell(new ProcessHeard("p2"), Broker);
        AwaitAssert(() =>
        {
            study.Tell(new GetHistory(Study.Id), TestActor);
            var ended = ExpectMsg<HistoryReply>().History.Processes.ToDictionary(p => p.Process, p => p.Ended is not null);
            Assert.Equal((true, true, false), (ended["p1"], ended["p2"], ended["p3"]));
        });
    }

    [Fact]
    public void A_study_that_is_taken_over_without_its_files_waits_for_them_and_says_so()
    {
        var study = Submit();
        var held = Take(study);
        Planner.Failure = new StudyException("model.safetensors cannot be had", null, null, new ArtifactException("cannot be had"));
        Watch(Studies);
        Sys.Stop(Studies);
        ExpectTerminated(Studies);
        var settings = Settings with { ReviveAfter = TimeSpan.FromMinutes(10), PlanAgain = TimeSpan.FromMilliseconds(50) };
        Studies = Sys.ActorOf(StudyRegistry.Props(new StudyServices(Broker, Planner, settings, TimeProvider.System, "runs/x/journal.db")));

        Broker.FishForMessage(m => m is StudyOpened { HasWork: false });
        study = Broker.LastSender;
        AwaitAssert(() =>
        {
            var waiting = Progress();
            Assert.Equal((null, "model.safetensors cannot be had"), (waiting.Error, waiting.Waiting));
        });
        // What a worker computed meanwhile is taken, and units that it holds are not dropped.
        study.Tell(Result(held), Broker);
        Assert.True(((UnitSettled)Broker.FishForMessage(m => m is UnitSettled or StudyClosed)).Finished);
        Planner.Failure = null;
        Broker.FishForMessage(m => m is StudyOpened { HasWork: true });
        var going = Progress();
        Assert.Equal((null, (string?)null), (going.Error, going.Waiting));
    }
}
