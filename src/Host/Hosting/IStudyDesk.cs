using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Hosting;

/// <summary>
/// All that people ask of the studies of a journal, whichever node computes them. Every coordinator has one, also the one that stands by.
/// Thread-safe. A study that is not known, and a journal or coordinator that cannot be reached, is a <see cref="StudyException"/>, unless
/// said otherwise.
/// </summary>
public interface IStudyDesk
{
    /// <summary>
    /// Begins a study, or goes on with it where its journal ends; does nothing to one that is over. Returns when it is planned and units
    /// are being handed out.
    /// </summary>
    /// <param name="priority">One of <see cref="StudyPriority"/>; null leaves it as it is, 0 for a new study.</param>
    Task<StudyProgress> SubmitAsync(Study study, int? priority = null);

    /// <summary>Every study that the journal knows, in the order of their first submission.</summary>
    Task<IReadOnlyList<StudyProgress>> ListAsync();

    /// <summary>Where a study stands; null for one that is not known. Its <c>Error</c> says why it stopped for good.</summary>
    Task<StudyProgress?> ProgressAsync(StudyId study);

    /// <summary>Hands out no more units; those being computed are still taken.</summary>
    Task PauseAsync(StudyId study);

    /// <summary>Goes on after a pause.</summary>
    Task ResumeAsync(StudyId study);

    /// <summary>Stops for good; what is committed stays.</summary>
    Task CancelAsync(StudyId study);

    /// <summary>The study as it was first submitted; null for one that is not known.</summary>
    Task<Study?> DefinitionAsync(StudyId study);

    /// <summary>What the study's journal tells.</summary>
    Task<RunHistory> HistoryAsync(StudyId study);

    /// <summary>
    /// The payload of every unit committed by now, by its ordinal (null for others). Thread-safe, usable until the node stops.
    /// </summary>
    Task<Func<long, byte[]?>> PayloadsAsync(StudyId study);

    /// <summary>What happened to a study, as its journal tells it: the newest notes, oldest first; none of one that is not known.</summary>
    Task<IReadOnlyList<StudyNote>> NotesAsync(StudyId study);

    /// <summary>Members and workers of the cluster.</summary>
    Task<ClusterView> MembersAsync();
}
