using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using InterpActors.Actors.Compute;
using InterpActors.Actors.Configuration;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Host.Hosting;

/// <summary>
/// What computes on a member of a cluster: workers and engines in an actor system of their own, which is part of no cluster. It lasts as
/// long as the process, so a node that has to begin anew as a member loses neither the unit that is being computed nor a result that
/// nobody has acknowledged.
/// </summary>
internal sealed class ComputeSide
{
    /// <summary>Engines are not waited for longer at the end.</summary>
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(10);

    private readonly ActorSystem _system;
    private readonly IActorRef _way;

    /// <param name="config">The node's.</param>
    /// <param name="address"><c>host:port</c> of the member.</param>
    public ComputeSide(ClusterNodeOptions options, Config config, string address, IComputedLedger ledger)
    {
        _system = ActorSystem.Create("compute", ActorSystemSetup.Create(
            BootstrapSetup.Create().WithConfig(ConfigurationFactory.ParseString("akka.actor.provider = local").WithFallback(config))));
        _way = _system.ActorOf(CoordinatorWay.Props(), "coordinator");
        var slots = DeviceSlots.For(options.Devices, options.Workers, options.Threads);
        var services = new ComputeServices(
            ProcessName.New(Environment.MachineName), _way, options.Runner, ledger, WorkSettings.From(config), Engines.Props)
        {
            Node = address,
            Siblings = slots.Count,
            Folder = options.UnitsFolder,
            Artifacts = options.Artifacts,
        };
        Node = _system.ActorOf(ComputeNode.Props(slots, services), "compute");
    }

    /// <summary>The <see cref="ComputeNode"/>.</summary>
    public IActorRef Node { get; }

    /// <summary>The node has a new membership; workers register with its coordinator.</summary>
    public void Join(IActorRef ports) => _way.Tell(new NewMembership(ports));

    public async Task StopAsync()
    {
        try
        {
            await _system.Terminate().WaitAsync(LastWords);
        }
        catch (TimeoutException)
        {
            // An engine that does not come back from a unit holds its thread; the process ends without it.
        }
    }
}
