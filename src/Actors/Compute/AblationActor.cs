using InterpActors.Messages.Work;

namespace InterpActors.Actors.Compute;

/// <summary>Computes units of <see cref="EngineKind.Ablation"/>: baselines, and activations overwritten from outside the pair.</summary>
public sealed class AblationActor(IUnitRunner runner, IComputedLedger ledger, string process) : EngineActor(runner, ledger, process);
