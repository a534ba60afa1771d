using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Hosting;
using Akka.Hosting;
using InterpActors.Actors.Compute;
using InterpActors.Actors.Coordination;
using InterpActors.Actors.Journal;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Configuration;

/// <summary>
/// Puts the actors of architecture.md where they belong: the coordinator as an actor of a single machine or as a cluster's singleton, and
/// compute nodes that know it under one key, whichever it is.
/// </summary>
public static class ActorWiring
{
    private const string Name = "coordinator";

    /// <summary>Adds <c>/user/coordinator</c>, for a single machine.</summary>
    public static AkkaConfigurationBuilder AddCoordinator(
        this AkkaConfigurationBuilder builder, IStudyPlanner planner, JournalLocation journal) =>
        builder.AddJournal(journal).WithActors((system, registry) =>
            registry.Register<Coordinator>(system.ActorOf(Coordinator.Props(new CoordinatorServices(planner, journal.Name)), Name)));

    /// <summary>Makes this member a candidate for the cluster's one coordinator, and adds the way to whichever member has it.</summary>
    public static AkkaConfigurationBuilder AddClusterCoordinator(
        this AkkaConfigurationBuilder builder, IStudyPlanner planner, JournalLocation journal) =>
        builder.AddJournal(journal).WithSingleton<Coordinator>(
            Name,
            (system, _, _) =>
            {
                var cluster = Cluster.Get(system);
                return Coordinator.Props(new CoordinatorServices(planner, journal.Name, () => ClusterMembers.ComputeNodes(cluster))
                {
                    Node = ClusterMembers.HostPort(cluster.SelfAddress),
                    Leadership = Lead(cluster, journal),
                });
            },
            new ClusterSingletonOptions { Role = ClusterMembers.CoordinatorRole, TerminationMessage = new StopWhenFlushed() });

    private static AkkaConfigurationBuilder AddJournal(this AkkaConfigurationBuilder builder, JournalLocation journal)
    {
        if (journal.Setup is { } setup) builder.AddSetup(setup);
        return builder;
    }

    private static Leadership? Lead(Cluster cluster, JournalLocation journal)
    {
        var validity = cluster.System.Settings.Config.GetTimeSpan("interp.journal.lease", TimeSpan.Zero);
        var lease = journal.Lease(Guid.NewGuid().ToString("N"), ClusterMembers.HostPort(cluster.SelfAddress)!, validity);
        if (lease is null) return null;
        return new Leadership(lease, validity, node => cluster.State.Members.Any(m => ClusterMembers.HostPort(m.Address) == node));
    }

    /// <summary>Adds the way to the cluster's coordinator, for a member that cannot be it.</summary>
    public static AkkaConfigurationBuilder AddCoordinatorProxy(this AkkaConfigurationBuilder builder) =>
        builder.WithSingletonProxy<Coordinator>(Name, new ClusterSingletonOptions { Role = ClusterMembers.CoordinatorRole });

    /// <summary>Adds the report of this member's load to the coordinator; that, or the way to it, must have been added.</summary>
    /// <param name="devices">Reads the memory of the devices that this member computes on.</param>
    public static AkkaConfigurationBuilder AddLoadReporter(
        this AkkaConfigurationBuilder builder, Func<IReadOnlyList<DeviceLoad>> devices) =>
        builder.WithActors((system, registry) =>
        {
            var node = ClusterMembers.HostPort(((ExtendedActorSystem)system).Provider.DefaultAddress)!;
            var every = system.Settings.Config.GetTimeSpan("interp.node.load-every");
            system.ActorOf(Props.Create(() => new LoadReporter(node, registry.Get<Coordinator>(), every, devices)), "load");
        });

    /// <summary>
    /// Adds <c>/user/workers</c>, by which a cluster reaches this member's workers; the coordinator, or the way to it, must have been
    /// added.
    /// </summary>
    public static AkkaConfigurationBuilder AddWorkerPorts(this AkkaConfigurationBuilder builder) =>
        builder.WithActors((system, registry) =>
            registry.Register<WorkerPorts>(system.ActorOf(WorkerPorts.Props(registry.Get<Coordinator>()), "workers")));

    /// <summary>
    /// Adds <c>/user/scratch</c>, which removes what units of a member left; the coordinator, or the way to it, must have been added. Not
    /// for a single machine, whose folder is the run's own, results and all.
    /// </summary>
    /// <param name="folder">Where the member's units keep their files.</param>
    public static AkkaConfigurationBuilder AddScratchKeeper(this AkkaConfigurationBuilder builder, string folder) =>
        builder.WithActors((system, registry) =>
        {
            var every = WorkSettings.From(system.Settings.Config).ScratchEvery;
            system.ActorOf(Props.Create(() => new ScratchKeeper(folder, registry.Get<Coordinator>(), every)), "scratch");
        });

    /// <summary>Adds <c>/user/compute</c>, for a single machine; the coordinator must have been added.</summary>
    /// <param name="process">This process's incarnation, as the run's history names it.</param>
    /// <param name="folder">Where units keep checkpoints and large results; null for nowhere.</param>
    public static AkkaConfigurationBuilder AddComputeNode(
        this AkkaConfigurationBuilder builder,
        string process, IReadOnlyList<WorkerSlot> slots, IUnitRunner runner, IComputedLedger ledger, string? folder = null) =>
        builder.WithActors((system, registry) =>
        {
            var settings = WorkSettings.From(system.Settings.Config);
            var services = new ComputeServices(process, registry.Get<Coordinator>(), runner, ledger, settings, Engines.Props)
            {
                Siblings = slots.Count,
                Folder = folder,
            };
            registry.Register<ComputeNode>(system.ActorOf(ComputeNode.Props(slots, services), "compute"));
        });
}
