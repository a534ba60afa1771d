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
    /// <param name="hold">Holds the study's files for as long as the session is open.</param>
    public LeaseCache<(StudyId, ExecutionSettings), StudySession>.Lease Take(Study study, OpenedStudy opened, Func<IDisposable> hold) =>
        _sessions.Take((study.Id, study.Execution), () =>
        {
            var held = hold();
            try
            {
                return new StudySession(study, opened, _weights, held);
            }
            catch
            {
                held.Dispose();
                throw;
            }
        });

    /// <summary>The session of a study; null where it is not open.</summary>
    public LeaseCache<(StudyId, ExecutionSettings), StudySession>.Lease? TakeOpen(Study study) =>
        _sessions.TakeReady((study.Id, study.Execution));

    /// <inheritdoc/>
    public void Dispose()
    {
        _sessions.Dispose();
        _weights.Dispose();
    }
}
