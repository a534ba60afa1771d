using Akka.Actor;
using InterpActors.Messages.Cluster;

namespace InterpActors.Actors.Compute;

/// <summary>
/// What the workers of a node take for the coordinator. They live as long as their process, with the units and results in their hands; the
/// node's membership of a cluster does not: a node that was cut off or left behind joins again, under the same name, with a new actor
/// system. Passes their messages to the <see cref="WorkerPorts"/> of the present membership, and has them register with every new one, so
/// that whoever leads there takes what they hold.
/// </summary>
public sealed class CoordinatorWay : ReceiveActor
{
    private readonly HashSet<IActorRef> _workers = [];
    private IActorRef? _ports;

    public CoordinatorWay()
    {
        Receive<NewMembership>(m =>
        {
            _ports = m.Ports;
            foreach (var worker in _workers) worker.Tell(new Registered(""));
        });
        Receive<IWireMessage>(m =>
        {
            if (m is RegisterWorker) _workers.Add(Sender);
            // Without a membership they are lost, as on a network: workers say everything again.
            _ports?.Tell(m, Sender);
        });
    }

    public static Props Props() => Akka.Actor.Props.Create(() => new CoordinatorWay());
}

/// <summary>The node has joined a cluster, or joins one again.</summary>
/// <param name="Ports">The <see cref="WorkerPorts"/> of its new actor system.</param>
public sealed record NewMembership(IActorRef Ports);

/// <summary>
/// The workers of a node as the cluster knows them while this membership lasts: for each a <see cref="WorkerPort"/>, to which the
/// coordinator sends and which it watches.
/// </summary>
public sealed class WorkerPorts : ReceiveActor
{
    private readonly Dictionary<IActorRef, IActorRef> _ports = [];

    /// <param name="coordinator">The cluster's way to it.</param>
    public WorkerPorts(IActorRef coordinator) => Receive<IWireMessage>(m =>
    {
        if (!_ports.TryGetValue(Sender, out var port))
        {
            var worker = Sender;
            port = _ports[worker] = Context.ActorOf(Akka.Actor.Props.Create(() => new WorkerPort(worker, coordinator)), worker.Path.Name);
        }
        port.Tell(m, Sender);
    });

    public static Props Props(IActorRef coordinator) => Akka.Actor.Props.Create(() => new WorkerPorts(coordinator));
}

/// <summary>One worker's: what comes from it goes to the coordinator, all else to it.</summary>
internal sealed class WorkerPort : ReceiveActor
{
    public WorkerPort(IActorRef worker, IActorRef coordinator) =>
        Receive<IWireMessage>(m => (Sender.Equals(worker) ? coordinator : worker).Tell(m, Self));
}
