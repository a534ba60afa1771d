using InterpActors.Messages.Artifacts;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Messages.Cluster;

/// <summary>The registry's only event: a study of this id has a journal of its own.</summary>
public sealed record StudyRegistered(StudyId Study, DateTimeOffset At) : IWireMessage;

/// <summary>
/// A coordinator took a study up (or, in the registry's events, all of them). Written before anything else: from then on an earlier
/// incarnation that does not know that it was replaced (its process was frozen, its network cut) is refused, for its next event would have
/// the number of this one.
/// </summary>
/// <param name="Node">Where the coordinator lives, <c>host:port</c>.</param>
public sealed record CoordinatorStarted(string Node, DateTimeOffset At) : IStudyEvent;

/// <summary>The first event of every study.</summary>
public sealed record StudySubmitted(Study Study, DateTimeOffset At) : IStudyEvent;

/// <summary>The plan's size, so that a later plan of other size is refused and a reader needs no plan.</summary>
public sealed record StudyPlanned(long Units, long Cells) : IStudyEvent;

/// <summary>The study's share of the workers was set.</summary>
public sealed record StudyPrioritised(int Priority, DateTimeOffset At) : IStudyEvent;

/// <summary>A process began to compute for the study.</summary>
public sealed record ProcessStarted(string Process, DateTimeOffset At) : IStudyEvent;

/// <summary>A process left in good order.</summary>
public sealed record ProcessEnded(string Process, DateTimeOffset At) : IStudyEvent;

/// <summary>A unit's result. The first one of an ordinal counts; there is no second.</summary>
/// <param name="Computed">How many units of the study the process had computed by then; null where it did not count.</param>
public sealed record UnitCompleted(
    long Ordinal, int Attempt, string Process, byte[] Payload, UnitPreview? Preview, long? Computed = null) : IStudyEvent;

/// <summary>A process has computed so many units, more than its results in the journal said.</summary>
public sealed record UnitsComputed(string Process, long Units) : IStudyEvent;

/// <summary>A long unit can be continued from here. Of several with one step the first counts.</summary>
/// <param name="Sha256">Names the list of the checkpoint's files.</param>
/// <param name="Bytes">Of that list.</param>
/// <param name="Metrics">How the unit was doing then.</param>
public sealed record CheckpointWritten(
    long Ordinal, string Process, long Step, ArtifactId Sha256, long Bytes, IReadOnlyList<UnitMetric> Metrics) : IStudyEvent;

/// <summary>Something went wrong with a unit and was put right; people are told.</summary>
public sealed record UnitWarned(long Ordinal, string Process, string Line) : IStudyEvent;

/// <summary>One try at a unit failed.</summary>
/// <param name="WorkerDied">True where its worker was lost; null where the engine reported it, or that was not told apart.</param>
public sealed record UnitFailed(
    long Ordinal, int Attempt, string Process, UnitFailureKind Kind, string Error, bool? WorkerDied = null) : IStudyEvent;

/// <summary>A unit will not be tried again; the rest of the study goes on.</summary>
public sealed record UnitGivenUp(long Ordinal, string Label, int Attempts, string Error) : IStudyEvent;

/// <summary>No more units are handed out.</summary>
public sealed record StudyPaused(DateTimeOffset At) : IStudyEvent;

/// <summary>Units are handed out again.</summary>
public sealed record StudyResumed(DateTimeOffset At) : IStudyEvent;

/// <summary>The study was stopped for good.</summary>
/// <param name="Reached">How far its parts were; null where the coordinator had no plan of it.</param>
public sealed record StudyCancelled(DateTimeOffset At, StudyReach? Reached = null) : IStudyEvent;

/// <summary>Every unit is committed or given up.</summary>
/// <param name="Reached">How far its parts were; null in the journals of versions that did not write it.</param>
public sealed record StudyCompleted(DateTimeOffset At, bool WithErrors, StudyReach? Reached = null) : IStudyEvent;
