using Akka.Actor;
using InterpActors.Actors.Compute;
using InterpActors.Messages.Cluster;
using InterpActors.TestSupport;

namespace InterpActors.Actors.Tests.Compute;

public class CoordinatorWayTests : ActorTestKit
{
    [Fact]
    public void A_worker_registers_with_every_membership_and_is_another_to_each()
    {
        var way = Sys.ActorOf(CoordinatorWay.Props());
        var (worker, first, second) = (CreateTestProbe("worker"), CreateTestProbe("first"), CreateTestProbe("second"));
        var registration = new RegisterWorker("w", "p", "cpu", []);
        way.Tell(registration, worker);

        way.Tell(new NewMembership(Sys.ActorOf(WorkerPorts.Props(first))));
        Assert.Equal("", worker.ExpectMsg<Registered>().Epoch);
        way.Tell(registration, worker);
        first.ExpectMsg<RegisterWorker>();
        var port = first.LastSender;
        Assert.NotEqual(worker.Ref, port);
        port.Tell(new Registered("e1"), first);
        Assert.Equal("e1", worker.ExpectMsg<Registered>().Epoch);

        way.Tell(new NewMembership(Sys.ActorOf(WorkerPorts.Props(second))));
        Assert.Equal("", worker.ExpectMsg<Registered>().Epoch);
        var result = new UnitResult("w", "p", new UnitTry(FakePlanner.Study().Id, 3, 1), [1], null);
        way.Tell(result, worker);
        second.ExpectMsg(result);
        Assert.NotEqual(port, second.LastSender);
        first.ExpectNoMsg(100);
    }
}
