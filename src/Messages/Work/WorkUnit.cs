using InterpActors.Messages.Studies;

namespace InterpActors.Messages.Work;

/// <summary>
/// A batch of cells computed in one go on one device: the grain of scheduling, journaling and retry. A unit is derived from the plan
/// by its ordinal and never stored; (study id, ordinal) is its deterministic id, because the study's id covers all it depends on.
/// </summary>
/// <param name="Ordinal">Place in the plan, from 0.</param>
/// <param name="Layer">The layer whose supervisor owns the unit; -1 for what belongs to no layer (the baseline runs).</param>
/// <param name="Track">Index into <see cref="IStudyPlan.Tracks"/>: the progress bar that this unit moves.</param>
/// <param name="Engine">Which engine actor computes it.</param>
/// <param name="Cells">How many cells it holds.</param>
/// <param name="Label">What a user sees while it runs, e.g. <c>resid_pre layer 21</c>.</param>
public sealed record WorkUnit(StudyId Study, long Ordinal, int Layer, int Track, EngineKind Engine, int Cells, string Label);

/// <summary>The engine actors of a compute node.</summary>
public enum EngineKind
{
    /// <summary>Overwrites activations with values that do not come from the other run of a pair; baseline runs too.</summary>
    Ablation,

    /// <summary>Writes activations of one run of a pair into the other.</summary>
    Patching,

    /// <summary>Long units with checkpoints.</summary>
    Training,
}

/// <summary>The contiguous range of ordinals that one layer supervisor owns.</summary>
public sealed record LayerUnits(int Layer, long First, long Count);

/// <summary>One progress bar: a component with its units and cells.</summary>
public sealed record PlanTrack(string Name, long Units, long Cells);

/// <summary>What a plan costs, as far as it can be told without running it.</summary>
/// <param name="Forwards">Full forward passes that a plain loop would take.</param>
/// <param name="Flops">Floating-point operations of the planned computation.</param>
/// <param name="MemoryBytes">Peak memory per process: weights, base caches and the largest unit.</param>
/// <param name="ArtifactBytes">Bytes of large results written as artefacts.</param>
/// <param name="Dtype">What the computing device has to be able to compute in.</param>
public sealed record PlanEstimate(double Forwards, double Flops, long MemoryBytes, long ArtifactBytes, string Dtype = "fp32");
