using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Compute;

// Between a device's worker and its engines, always in one process.

/// <summary>Worker to engine: compute this on the engine's own thread.</summary>
internal sealed record ComputeUnit(Study Study, Assign Assign, string Device, CancellationToken Cancellation);

/// <summary>Engine to worker: how far the unit is.</summary>
internal sealed record EngineProgress(UnitTry Unit, double Fraction);

/// <summary>Engine to worker: how the unit is doing, for people watching.</summary>
internal sealed record EngineWords(UnitTry Unit, string Words);

/// <summary>Engine to worker: a checkpoint of the unit is on the disk.</summary>
internal sealed record EngineCheckpoint(UnitTry Unit, UnitCheckpoint Checkpoint);

/// <summary>Engine to worker: something went wrong with the unit and was put right.</summary>
internal sealed record EngineWarning(UnitTry Unit, string Line);

/// <summary>Engine to worker: the unit's result.</summary>
/// <param name="Computed">How many units of the study the process has computed by now.</param>
internal sealed record EngineDone(UnitTry Unit, UnitOutput Output, long Computed);

/// <summary>Engine to worker: the unit failed.</summary>
internal sealed record EngineFailed(UnitTry Unit, UnitFailureKind Kind, string Error);

/// <summary>Engine to worker: the unit was cancelled before it was done.</summary>
internal sealed record EngineStopped(UnitTry Unit);

/// <summary>Worker to node: there is a coordinator, or a new one.</summary>
/// <param name="Epoch">Its incarnation.</param>
internal sealed record CoordinatorMet(string Epoch);

/// <summary>Stop pulling; let the running unit finish, hand it back after the timeout. Answered by <see cref="Drained"/>.</summary>
public sealed record Drain(TimeSpan Timeout);

/// <summary>Nothing is computed any more and every result is acknowledged or handed back.</summary>
public sealed record Drained;
