using Akka.Actor;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Compute;

/// <summary>Which engine actor computes which kind of unit: one line a kind.</summary>
public static class Engines
{
    /// <summary>The dispatcher of <c>hocon/dispatchers.conf</c> that gives every engine its own thread.</summary>
    public const string Dispatcher = "interp.engine-dispatcher";

    /// <summary>Null where this version has no engine for the kind.</summary>
    public static Props? Props(EngineKind kind, ComputeServices services)
    {
        var (runner, ledger, process) = (services.Runner, services.Ledger, services.Process);
        return (kind switch
        {
            EngineKind.Ablation => Akka.Actor.Props.Create(() => new AblationActor(runner, ledger, process)),
            EngineKind.Patching => Akka.Actor.Props.Create(() => new PatchingActor(runner, ledger, process)),
            EngineKind.Training => Akka.Actor.Props.Create(() => new TrainingActor(services)),
            _ => null,
        })?.WithDispatcher(Dispatcher);
    }
}
