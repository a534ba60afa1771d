using InterpActors.Messages.Work;

namespace InterpActors.Actors.Compute;

/// <summary>Computes units of <see cref="EngineKind.Patching"/>: activations of one run of a pair written into the other.</summary>
public sealed class PatchingActor(IUnitRunner runner, IComputedLedger ledger, string process) : EngineActor(runner, ledger, process);
