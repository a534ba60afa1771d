using Akka.Actor;
using Akka.Event;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Compute;

/// <summary>
/// One per process: its devices' workers, their orderly end, and what the ledger in the node's folder says to a coordinator that does not
/// know it yet.
/// </summary>
public sealed class ComputeNode : ReceiveActor
{
    private const int NewestStudies = 100;

    private readonly List<IActorRef> _workers = [];
    private readonly HashSet<IActorRef> _draining = [];
    private string? _epoch;
    private IActorRef? _drainer;

    public ComputeNode(IReadOnlyList<WorkerSlot> slots, ComputeServices services)
    {
        foreach (var slot in slots)
        {
            var worker = DeviceWorker.Props($"{services.Process}/{slot.Name}", slot, services);
            _workers.Add(Context.ActorOf(worker, $"device-{slot.Name}"));
        }

        Receive<CoordinatorMet>(m =>
        {
            if (_epoch == m.Epoch) return;
            _epoch = m.Epoch;
            Task.Run(() => Told(services.Ledger)).PipeTo(Self, failure: e => new Status.Failure(e));
        });
        Receive<IReadOnlyList<ReportComputed>>(m =>
        {
            foreach (var report in m) services.Broker.Tell(report);
        });
        Receive<Status.Failure>(m => Context.GetLogger().Warning("the ledger of computed units cannot be read: {0}", m.Cause.Message));
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

    /// <summary>What the ledger says of its newest studies; those before are over.</summary>
    private static IReadOnlyList<ReportComputed> Told(IComputedLedger ledger) =>
        [
            .. ledger.Studies().TakeLast(NewestStudies)
                .Select(s => new ReportComputed(s, [.. ledger.Count(s).Select(p => new ProcessCount(p.Key, p.Value))])),
        ];

    public static Props Props(IReadOnlyList<WorkerSlot> slots, ComputeServices services) =>
        Akka.Actor.Props.Create(() => new ComputeNode(slots, services));
}
