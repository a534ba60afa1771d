using InterpActors.Compute.Models;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Studies;

/// <summary>The open studies of a process. Checking a study, running its units and running it again share one session.</summary>
internal sealed class StudySessions : IDisposable
{
    private readonly LeaseCache<WeightsKey, ModelWeights> _weights = new(1);
    private readonly LeaseCache<(StudyId, ExecutionSettings), StudySession> _sessions = new(1);

    public static StudySessions Shared { get; } = new();

    /// <summary>The session of a study, opened if it is not.</summary>
    public LeaseCache<(StudyId, ExecutionSettings), StudySession>.Lease Take(Study study, Func<OpenedStudy> open) =>
        _sessions.Take((study.Id, study.Execution), () => new StudySession(study, open(), _weights));

    /// <inheritdoc/>
    public void Dispose()
    {
        _sessions.Dispose();
        _weights.Dispose();
    }
}
