using InterpActors.Messages.Studies;

namespace InterpActors.Messages.Cluster;

/// <summary>
/// Run this study; one that the journal knows goes on where it was. Answered by <see cref="ProgressReply"/> once planned.
/// </summary>
/// <param name="Process">The process that will compute, for the run's history; null when only other processes do.</param>
/// <param name="Priority">One of <see cref="StudyPriority"/>; null leaves it as it is, 0 at first.</param>
public sealed record SubmitStudy(Study Definition, string? Process, int? Priority = null) : IStudyCommand
{
    [System.Text.Json.Serialization.JsonIgnore]
    public StudyId Study => Definition.Id;
}

/// <summary>Hand out no more units; those being computed are still taken.</summary>
public sealed record PauseStudy(StudyId Study) : IStudyCommand;

/// <summary>Go on after a pause.</summary>
public sealed record ResumeStudy(StudyId Study) : IStudyCommand;

/// <summary>Stop for good; what is committed stays.</summary>
public sealed record CancelStudy(StudyId Study) : IStudyCommand;

/// <summary>A process leaves in good order.</summary>
/// <param name="Pause">The study waits until it is submitted again.</param>
public sealed record EndProcess(StudyId Study, string Process, bool Pause) : IStudyCommand;

/// <summary>
/// A node tells what the ledger in its folder says of a study: what this process and earlier ones of the folder computed, also those that
/// were killed before they could report it. Not answered.
/// </summary>
public sealed record ReportComputed(StudyId Study, IReadOnlyList<ProcessCount> Processes) : IStudyCommand;

/// <summary>How many units of a study a process computed.</summary>
public sealed record ProcessCount(string Process, long Units);

/// <summary>Answered by <see cref="ProgressReply"/>.</summary>
public sealed record GetProgress(StudyId Study) : IStudyCommand;

/// <summary>Answered by <see cref="HistoryReply"/>.</summary>
public sealed record GetHistory(StudyId Study) : IStudyCommand;

/// <summary>Which studies are there? Answered by <see cref="KnownStudies"/>.</summary>
public sealed record ListStudies : IWireMessage;

/// <summary>Every study of the journal, in the order of their first submission.</summary>
public sealed record KnownStudies(IReadOnlyList<StudyId> Studies) : IWireMessage;

/// <summary>Where a study stands; the answer to every command that was accepted.</summary>
public sealed record ProgressReply(StudyProgress Progress) : IWireMessage;

/// <summary>What a study's journal tells.</summary>
public sealed record HistoryReply(RunHistory History) : IWireMessage;

/// <summary>A command that could not be carried out.</summary>
/// <param name="Problem">One line: what, and what to do.</param>
public sealed record StudyRefused(StudyId Study, string Problem) : IWireMessage;
