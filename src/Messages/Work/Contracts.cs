using InterpActors.Messages.Artifacts;
using InterpActors.Messages.Studies;

namespace InterpActors.Messages.Work;

/// <summary>Derives the plan of a study. A pure function of the study, the files it names by hash, and nothing else.</summary>
public interface IStudyPlanner
{
    /// <summary>May open model and prompt files (slow: never call it on an actor's thread).</summary>
    /// <exception cref="StudyException">The study cannot be run as written.</exception>
    IStudyPlan Plan(Study study);
}

/// <summary>The ordered, lazily derived list of a study's units. Constant memory, whatever the number of units; thread-safe.</summary>
public interface IStudyPlan
{
    Study Study { get; }

    /// <summary>First line of the display: <c>SmolLM2-135M (30 layers, 9 heads) · 8 pairs · denoising · logit difference</c>.</summary>
    string Headline { get; }

    long UnitCount { get; }
    long CellCount { get; }

    /// <summary>In plan order; their ranges cover 0 … UnitCount-1 without gaps.</summary>
    IReadOnlyList<LayerUnits> Layers { get; }

    IReadOnlyList<PlanTrack> Tracks { get; }
    PlanEstimate Estimate { get; }

    /// <summary>The unit at a place of the plan.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The ordinal is not in the plan.</exception>
    WorkUnit this[long ordinal] { get; }
}

/// <summary>Computes units. One per process, shared by its engines, thread-safe; caches (weights, base runs) live inside.</summary>
public interface IUnitRunner : IDisposable
{
    /// <summary>
    /// A pure function of study and unit: whoever computes it, whenever, gives the same payload bytes. Blocks its thread.
    /// </summary>
    /// <exception cref="UnitException">The unit failed; its kind says whether another try may help.</exception>
    /// <exception cref="OperationCanceledException">The context's token was cancelled.</exception>
    UnitOutput Run(Study study, WorkUnit unit, UnitContext context);
}

/// <summary>What a unit may use while it runs.</summary>
/// <param name="Device">The device's name: <c>cpu</c>, <c>cuda:0</c>.</param>
/// <param name="Progress">Called now and then with the done fraction in [0, 1].</param>
public sealed record UnitContext(string Device, Action<double> Progress, CancellationToken Cancellation)
{
    /// <summary>
    /// A folder of this process for what units keep between tries and for their large results; null where there is none.
    /// </summary>
    public string? Folder { get; init; }

    /// <summary>
    /// A folder for this unit alone, for what it goes on from after its process died: the same in every process of the machine. Removed
    /// when the journal has the unit's result. Null for one in <see cref="Folder"/> that nobody removes.
    /// </summary>
    public string? Own { get; init; }

    /// <summary>Bytes that activations may take in the folder before the longest unused ones go.</summary>
    public long HarvestLimit { get; init; } = 64L << 30;

    /// <summary>The cluster's files by content; null on a single machine.</summary>
    public IArtifacts? Artifacts { get; init; }

    /// <summary>The last checkpoint of the unit that the journal knows, whoever wrote it; null where it begins anew.</summary>
    public UnitCheckpoint? From { get; init; }

    /// <summary>Tells that a checkpoint is on the disk.</summary>
    public Action<UnitCheckpoint> Checkpoint { get; init; } = _ => { };

    /// <summary>Says in a few words how the unit is doing, for people watching.</summary>
    public Action<string> Say { get; init; } = _ => { };

    /// <summary>Says in a line what went wrong and was put right.</summary>
    public Action<string> Warn { get; init; } = _ => { };
}

/// <summary>State of a long unit from which it can be continued to the same bytes, on any machine that can have the files.</summary>
/// <param name="Step">Steps that were done.</param>
/// <param name="Artifact">Names the list of its files, which names them by content.</param>
/// <param name="Bytes">Of that list.</param>
/// <param name="Metrics">How the unit was doing then.</param>
/// <param name="Before">The one before, for when this one cannot be used; null where none is known.</param>
public sealed record UnitCheckpoint(
    long Step, ArtifactId Artifact, long Bytes, IReadOnlyList<UnitMetric> Metrics, UnitCheckpoint? Before = null);

/// <summary>A number by which people follow a long unit, e.g. its loss.</summary>
public sealed record UnitMetric(string Name, double Value);

/// <summary>What a unit gave.</summary>
/// <param name="Payload">Results in the method's own format, opaque to actors, small enough for the journal.</param>
/// <param name="Preview">The unit's strongest cell for live displays; null where there is none.</param>
public sealed record UnitOutput(byte[] Payload, UnitPreview? Preview);

/// <summary>A unit's strongest cell, for people watching; never part of a result.</summary>
/// <param name="Label">e.g. <c>resid_pre 17 @ 9</c>.</param>
/// <param name="Score">Score (patching) or effect (ablation).</param>
public sealed record UnitPreview(string Label, double Score);

/// <summary>Why a unit failed.</summary>
public enum UnitFailureKind
{
    /// <summary>Another try may help (a lost device, an unreadable file).</summary>
    Transient,

    /// <summary>It will fail again in the same way (NaN, an intervention that changed nothing).</summary>
    Permanent,

    /// <summary>This worker's machine cannot compute the study at all (a file is not there); another one may.</summary>
    Unfit,

    /// <summary>
    /// This machine cannot go on (its disk is full). Other machines do; where there is none, the study stops, the unit is not held to have
    /// failed, and a later run resumes.
    /// </summary>
    Fatal,

    /// <summary>The device's memory did not suffice; a device with more may compute the unit.</summary>
    OutOfMemory,
}

/// <summary>A unit could not be computed.</summary>
public sealed class UnitException(UnitFailureKind kind, string message, Exception? inner = null) : Exception(message, inner)
{
    public UnitFailureKind Kind { get; } = kind;
}

/// <summary>Folds the results of a study, in plan order, into its run folder.</summary>
public interface IStudyReducer
{
    /// <summary>
    /// Writes results, summary, manifest and report to the folder, each file whole or not at all. <c>results.*</c> depend on the study
    /// and the payloads alone, not on the history.
    /// </summary>
    ReductionOutcome Reduce(Reduction reduction, string folder);
}

/// <summary>All that a reducer may use.</summary>
/// <param name="Payloads">Payload by ordinal; null where the unit failed for good or has not been computed.</param>
public sealed record Reduction(IStudyPlan Plan, Func<long, byte[]?> Payloads, RunHistory History)
{
    /// <summary>The cluster's files by content; null on a single machine.</summary>
    public IArtifacts? Artifacts { get; init; }

    /// <summary>The run folder that has the units' large results; null for the one that is written.</summary>
    public string? Source { get; init; }
}

/// <summary>What the end of a run says to the user.</summary>
/// <param name="Sentence">The strongest cells in one sentence.</param>
/// <param name="Warnings">Also in <c>summary.json</c>.</param>
/// <param name="Failed">True where the results as a whole cannot be trusted (an intervention changed nothing where it should have).</param>
public sealed record ReductionOutcome(string Sentence, IReadOnlyList<string> Warnings, bool Failed);
