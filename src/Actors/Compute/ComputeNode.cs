using Akka.Actor;

namespace InterpActors.Actors.Compute;

/// <summary>One per process: its devices' workers, and their orderly end.</summary>
public sealed class ComputeNode : ReceiveActor
{
    private readonly List<IActorRef> _workers = [];
    private readonly HashSet<IActorRef> _draining = [];
    private IActorRef? _drainer;

    public ComputeNode(IReadOnlyList<WorkerSlot> slots, ComputeServices services)
    {
        foreach (var slot in slots)
        {
            var worker = DeviceWorker.Props($"{services.Process}/{slot.Name}", slot, services);
            _workers.Add(Context.ActorOf(worker, $"device-{slot.Name}"));
        }

        Receive<Drain>(m =>
        {
            _drainer = Sender;
            foreach (var worker in _workers)
            {
                _draining.Add(worker);
                worker.Tell(m);
            }
            if (_draining.Count == 0) Sender.Tell(new Drained());
        });
        Receive<Drained>(_ =>
        {
            if (_draining.Remove(Sender) && _draining.Count == 0) _drainer!.Tell(new Drained());
        });
    }

    public static Props Props(IReadOnlyList<WorkerSlot> slots, ComputeServices services) =>
        Akka.Actor.Props.Create(() => new ComputeNode(slots, services));
}
