using InterpActors.Messages.Artifacts;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Host.Web;

/// <summary>A study to be run: <c>POST /api/studies</c>.</summary>
/// <param name="Source">The study file's text.</param>
/// <param name="Folder">Absolute; where its relative paths start.</param>
/// <param name="File">What messages call the file.</param>
/// <param name="Set"><c>key=value</c> each, as <c>--set</c>.</param>
/// <param name="Threads">Torch threads per worker.</param>
/// <param name="Priority">From <see cref="StudyPriority.Lowest"/> to <see cref="StudyPriority.Highest"/>; null leaves a known study's as it
/// is, 0 for a new one.</param>
/// <param name="Inputs">
/// The files that it names, by content, which were sent before; null where its paths lead to them on the coordinator.
/// </param>
/// <param name="Device">The kind of device to compute on, <c>cpu</c> or <c>cuda</c>; null for <c>cpu</c>.
/// Fixed when first submitted.</param>
public sealed record StudySubmission(
    string Source, string Folder, string? File = null, IReadOnlyList<string>? Set = null, int? Threads = null, int? Priority = null,
    IReadOnlyList<StudyInput>? Inputs = null, string? Device = null);

/// <summary>Which of these files must be sent? <c>POST /api/artifacts/missing</c>.</summary>
/// <param name="Folder">Absolute; where relative paths start.</param>
public sealed record InputQuery(string Folder, IReadOnlyList<StudyInput> Inputs);

/// <summary>The files that must be sent.</summary>
public sealed record MissingInputs(IReadOnlyList<MissingInput> Missing);

/// <summary>A file that must be sent.</summary>
/// <param name="Offset">How much of it is there from an upload that was interrupted.</param>
public sealed record MissingInput(ArtifactId Sha256, long Bytes, long Offset);

/// <summary>The answer to an upload.</summary>
/// <param name="Here">How much of the file is there now.</param>
public sealed record ArtifactReceipt(ArtifactId Sha256, long Bytes, long Here);

/// <summary>The answer to a submission.</summary>
/// <param name="Created">False where the study was known already: it is run once.</param>
public sealed record SubmissionReply(StudyId Study, bool Created, string Headline, StudyProgress Progress);

/// <summary>All studies of the cluster.</summary>
public sealed record StudyListing(IReadOnlyList<StudyProgress> Studies);

/// <summary>All about one study.</summary>
/// <param name="Threads">Torch threads per worker.</param>
public sealed record StudyDetail(
    StudyId Study, string Name, string Kind, string Headline, int Threads, StudyProgress Progress, RunHistory History);

/// <summary>The files of a run folder, and what the end of the run says.</summary>
/// <param name="Failed">True where units were given up or the results cannot be trusted.</param>
public sealed record ResultListing(
    StudyId Study, RunState State, string Sentence, IReadOnlyList<string> Warnings, bool Failed, IReadOnlyList<ResultFile> Files);

/// <summary>A file of a run folder.</summary>
/// <param name="Name">Relative, with <c>/</c> between folders.</param>
public sealed record ResultFile(string Name, long Bytes, string Sha256);

/// <summary>The heat maps of a study as far as they are filled in.</summary>
/// <param name="Version">To be given as <c>since</c> next time, so that only what changed is sent.</param>
/// <param name="Quantity"><c>score</c> or <c>effect</c>; null as long as there are no values.</param>
/// <param name="CaughtUp">False where more is committed than is filled in here: ask again.</param>
/// <param name="Note">Why there are no maps; null where there are.</param>
/// <param name="Maps">Null where they are those of the version that was asked from.</param>
/// <param name="Rows">Those that changed since then; all others are as they were, or empty.</param>
public sealed record StudyCells(
    StudyId Study, string Version, string? Quantity, bool CaughtUp, string? Note, IReadOnlyList<ResultMap>? Maps,
    IReadOnlyList<MapRow> Rows);

/// <summary>What the page shows: sent whole whenever something changed.</summary>
/// <param name="Studies">Those that are not over, and the newest of the others.</param>
/// <param name="OlderStudies">How many more there are.</param>
/// <param name="Cluster">With the first of the workers.</param>
/// <param name="MoreWorkers">How many more there are.</param>
public sealed record Overview(
    IReadOnlyList<StudyProgress> Studies, int OlderStudies, ClusterView Cluster, int MoreWorkers, IReadOnlyList<LogLine> Log);

/// <summary>Something that happened.</summary>
/// <param name="Number">Counts up.</param>
/// <param name="Study">The study that it is about; null for the cluster.</param>
public sealed record LogLine(long Number, DateTimeOffset At, string? Study, string Text);

/// <summary>Why a request was not carried out, in one line.</summary>
public sealed record Refusal(string Error);
