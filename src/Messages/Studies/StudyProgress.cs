using InterpActors.Messages.Work;

namespace InterpActors.Messages.Studies;

/// <summary>A snapshot of a running study for displays: cheap to make, a few kilobytes whatever the study's size.</summary>
/// <param name="Resumed">Units that were already committed when this process began.</param>
/// <param name="Running">Labels of the units that engines are computing now.</param>
/// <param name="Best">The strongest cells seen so far, strongest first, at most three.</param>
/// <param name="Error">Why the study stopped for good before its end (journal failure); null otherwise.</param>
/// <param name="Priority">Its share of the workers: see <see cref="StudyPriority"/>.</param>
/// <param name="Waiting">Why no worker computes it although it runs (none has what it needs, or could use it); null otherwise.</param>
/// <param name="Warnings">What went wrong with units and was put right, in order, a line each; null for nothing.</param>
public sealed record StudyProgress(
    StudyId Study,
    RunState State,
    long Planned,
    long Committed,
    long Failed,
    long Resumed,
    IReadOnlyList<LayerProgress> Layers,
    IReadOnlyList<TrackProgress> Tracks,
    IReadOnlyList<string> Running,
    IReadOnlyList<UnitPreview> Best,
    int Workers,
    string? Error,
    int Priority = 0,
    string? Waiting = null,
    IReadOnlyList<string>? Warnings = null);

/// <summary>
/// How far the parts of a study were when it ended: kept with its end, so that whoever looks at it later needs neither its plan nor the
/// files that this is derived from.
/// </summary>
public sealed record StudyReach(IReadOnlyList<LayerProgress> Layers, IReadOnlyList<TrackProgress> Tracks);

/// <summary>Progress of one layer.</summary>
public sealed record LayerProgress(int Layer, long Committed, long Failed, long Count);

/// <summary>Progress of one component.</summary>
public sealed record TrackProgress(string Name, long Committed, long Units, long CommittedCells, long Cells);
