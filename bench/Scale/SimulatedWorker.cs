using Akka.Actor;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Work;
using InterpActors.TestSupport;

namespace InterpActors.Bench.Scale;

/// <summary>
/// The worker's side of the pull protocol with nothing behind it: every unit is done the moment it is assigned. Asks for the next one when
/// the journal has the last one's result, and says every second that it is alive, as a real worker does.
/// </summary>
internal sealed class SimulatedWorker : ReceiveActor, IWithTimers
{
    /// <summary>The process that all simulated workers of a bench live in.</summary>
    public const string Process = "simulated";

    private sealed record Tick;

    private readonly string _id;
    private readonly IActorRef _coordinator;
    private string _epoch = "";

    /// <param name="assigned">Called for every unit that is handed out.</param>
    public SimulatedWorker(string id, IActorRef coordinator, Action assigned)
    {
        _id = id;
        _coordinator = coordinator;
        Receive<Registered>(m =>
        {
            _epoch = m.Epoch;
            if (_epoch.Length == 0) Register();
            else Ask();
        });
        Receive<Assign>(m =>
        {
            assigned();
            var preview = new UnitPreview(m.Unit.Label, m.Unit.Ordinal % 100 / 100.0);
            _coordinator.Tell(new UnitResult(_id, Process, m.Try(), FakeRunner.Payload(m.Unit.Ordinal), preview));
        });
        Receive<ResultAck>(_ => Ask());
        Receive<DropUnit>(_ => Ask());
        Receive<Tick>(_ => _coordinator.Tell(new WorkerBeat(_id, _epoch, null, 0)));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        Timers.StartPeriodicTimer("tick", new Tick(), TimeSpan.FromSeconds(Random.Shared.NextDouble()), TimeSpan.FromSeconds(1));
        Register();
    }

    private void Register() => _coordinator.Tell(new RegisterWorker(_id, Process, "cpu", []));

    private void Ask() => _coordinator.Tell(new RequestWork(_id, _epoch, 1));
}
