using Akka.Actor;
using InterpActors.Actors.Coordination;
using InterpActors.Actors.Journal;
using InterpActors.Messages.Cluster;
using InterpActors.TestSupport;

namespace InterpActors.Actors.Tests.Coordination;

/// <summary>A coordinator that shares its journal with others.</summary>
public class CoordinatorTests : ActorTestKit, IJournalLease
{
    private readonly List<string> _members = [];
    private volatile string? _holder = "10.0.0.9:4053";
    private volatile bool _ours = true;
    private volatile bool _released;

    private IActorRef Coordinator() => Sys.ActorOf(Actors.Coordination.Coordinator.Props(
        new CoordinatorServices(new FakePlanner(2, 3), "journal")
        {
            Node = "10.0.0.1:4053",
            Leadership = new Leadership(this, TimeSpan.FromMilliseconds(300), _members.Contains),
        }));

    [Fact]
    public void Waits_for_the_lease_and_then_answers_what_was_asked_meanwhile()
    {
        _members.Add(_holder!);
        var coordinator = Coordinator();
        coordinator.Tell(new SubmitStudy(FakePlanner.Study(), null), TestActor);
        ExpectNoMsg(1000);
        _holder = null;
        ExpectMsg<ProgressReply>();
    }

    [Fact]
    public void Gives_the_lease_back_when_another_is_to_lead()
    {
        _holder = null;
        var coordinator = Coordinator();
        coordinator.Tell(new SubmitStudy(FakePlanner.Study(), null), TestActor);
        ExpectMsg<ProgressReply>();
        Watch(coordinator);
        coordinator.Tell(new StopWhenFlushed(), TestActor);
        ExpectTerminated(coordinator);
        Assert.True(_released);
    }

    [Fact]
    public async Task Takes_its_node_out_of_the_cluster_when_another_has_the_lease()
    {
        _holder = null;
        var coordinator = Coordinator();
        coordinator.Tell(new SubmitStudy(FakePlanner.Study(), null), TestActor);
        ExpectMsg<ProgressReply>();
        _ours = false;
        await Sys.WhenTerminated.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task Does_not_wait_for_ever_for_a_coordinator_of_another_cluster()
    {
        Coordinator();
        await Sys.WhenTerminated.WaitAsync(TimeSpan.FromSeconds(10));
    }

    Task<string?> IJournalLease.TakeAsync() => Task.FromResult(_holder);

    Task<bool> IJournalLease.RenewAsync() => Task.FromResult(_ours);

    Task IJournalLease.ReleaseAsync()
    {
        _released = true;
        return Task.CompletedTask;
    }
}
