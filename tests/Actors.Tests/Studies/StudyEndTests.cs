using InterpActors.Actors.Work;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Tests.Studies;

/// <summary>Studies that are paused, cancelled or over.</summary>
[Collection(nameof(ChaosJournal))]
public class StudyEndTests : StudyTestKit
{
    [Fact]
    public void Pausing_takes_running_results_and_hands_out_nothing()
    {
        var study = Submit();
        var offer = Take(study);
        Studies.Tell(new PauseStudy(Study.Id), TestActor);
        Assert.Equal(RunState.Paused, ExpectMsg<ProgressReply>().Progress.State);
        study.Tell(new TakeUnit("w", "p1"), Broker);
        Broker.FishForMessage(m => m is NothingToTake);
        study.Tell(Result(offer), Broker);
        Broker.ExpectMsg<UnitSettled>();
        Studies.Tell(new ResumeStudy(Study.Id), TestActor);
        Assert.Equal(1, ExpectMsg<ProgressReply>().Progress.Committed);
        Assert.Equal(1, Take(study).Unit.Ordinal);
    }

    [Fact]
    public void Cancelling_closes_the_study_and_ignores_late_results()
    {
        var study = Submit();
        var offer = Take(study);
        Studies.Tell(new CancelStudy(Study.Id), TestActor);
        Assert.Equal(RunState.Cancelled, ExpectMsg<ProgressReply>().Progress.State);
        Broker.ExpectMsg(new StudyClosed(Study.Id));
        study.Tell(Result(offer), Broker);
        Assert.True(Broker.ExpectMsg<UnitSettled>().Finished);
        Assert.Equal(0, Progress().Committed);
    }

    [Fact]
    public void A_study_that_was_over_before_a_restart_still_shows_its_layers_and_tracks_without_its_plan()
    {
        var study = Submit();
        foreach (var offer in Enumerable.Range(0, 6).Select(_ => Take(study)).ToArray())
            study.Tell(offer.Unit.Ordinal == 4 ? Failure(offer, UnitFailureKind.Permanent) : Result(offer), Broker);
        Broker.FishForMessage(m => m is StudyClosed);
        var before = Progress();
        Assert.Equal([(0, 3L, 0L, 3L), (1, 2, 1, 3)], before.Layers.Select(l => (l.Layer, l.Committed, l.Failed, l.Count)));
        Assert.Equal([("even", 2L, 6L, 9L), ("odd", 3, 9, 9)], before.Tracks.Select(t => (t.Name, t.Committed, t.CommittedCells, t.Cells)));

        var plans = Planner.Plans;
        Planner.Failure = new StudyException("the files are gone");
        Restart();
        var after = Progress();
        Assert.Equal((RunState.CompletedWithErrors, null), (after.State, after.Error));
        Assert.Equal(before.Layers, after.Layers);
        Assert.Equal(before.Tracks, after.Tracks);
        Assert.Equal(plans, Planner.Plans);
    }

    [Fact]
    public void A_cancelled_study_counts_what_was_on_its_way_to_the_journal()
    {
        var study = Submit();
        var offer = Take(study);
        ChaosJournal.Gate = new TaskCompletionSource();
        study.Tell(Result(offer), Broker);
        Studies.Tell(new CancelStudy(Study.Id), TestActor);
        Broker.ExpectNoMsg(100);
        ChaosJournal.Gate.SetResult();
        ChaosJournal.Gate = null;
        var before = ExpectMsg<ProgressReply>().Progress;
        Assert.Equal((RunState.Cancelled, 1L), (before.State, before.Committed));
        Assert.Equal([1L, 0], before.Layers.Select(l => l.Committed));

        Restart();
        var after = Progress();
        Assert.Equal(RunState.Cancelled, after.State);
        Assert.Equal(before.Layers, after.Layers);
        Assert.Equal(before.Tracks, after.Tracks);
    }

    [Fact]
    public void Cancelling_while_the_disk_is_full_is_refused_in_words()
    {
        var study = Submit();
        var offer = Take(study);
        ChaosJournal.Gate = new TaskCompletionSource();
        study.Tell(Result(offer), Broker);
        Studies.Tell(new CancelStudy(Study.Id), TestActor);
        Broker.ExpectNoMsg(100);
        ChaosJournal.Error = 13;
        ChaosJournal.Gate.SetResult();
        Assert.Contains("disk full", ExpectMsg<StudyRefused>().Problem);
    }
}
