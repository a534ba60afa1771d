using Akka.Actor;
using Akka.Hosting;
using InterpActors.Actors.Compute;
using InterpActors.Actors.Studies;
using InterpActors.Actors.Work;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Configuration;

/// <summary>Puts the actors of architecture.md where they belong. A cluster adds singletons and proxies around the same actors.</summary>
public static class ActorWiring
{
    /// <summary>Adds <c>/user/broker</c> and <c>/user/studies</c>.</summary>
    /// <param name="journalName">Names the journal in messages to the user.</param>
    public static AkkaConfigurationBuilder AddCoordinator(
        this AkkaConfigurationBuilder builder, IStudyPlanner planner, string journalName) =>
        builder.WithActors((system, registry) =>
        {
            var settings = WorkSettings.From(system.Settings.Config);
            var broker = system.ActorOf(WorkBroker.Props(settings), "broker");
            var services = new StudyServices(broker, planner, settings, TimeProvider.System, journalName);
            registry.Register<WorkBroker>(broker);
            registry.Register<StudyRegistry>(system.ActorOf(StudyRegistry.Props(services), "studies"));
        });

    /// <summary>Adds <c>/user/compute</c>.</summary>
    /// <param name="process">This process's incarnation, as the run's history names it.</param>
    public static AkkaConfigurationBuilder AddComputeNode(
        this AkkaConfigurationBuilder builder,
        string process, IReadOnlyList<WorkerSlot> slots, IUnitRunner runner, IComputedLedger ledger) =>
        builder.WithActors((system, registry) =>
        {
            var settings = WorkSettings.From(system.Settings.Config);
            var services = new ComputeServices(process, registry.Get<WorkBroker>(), runner, ledger, settings, Engines.Props);
            registry.Register<ComputeNode>(system.ActorOf(ComputeNode.Props(slots, services), "compute"));
        });
}
