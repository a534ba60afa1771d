using System.Collections.Concurrent;
using InterpActors.Compute.Models;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Studies;

/// <summary>
/// The open studies of a process, device by device. Checking a study, running its units and running it again share one session; sessions of
/// several devices share the weights in the machine's memory.
/// </summary>
internal sealed class StudySessions : IDisposable
{
    private readonly LeaseCache<WeightsKey, ModelWeights> _weights = new(1);
    private readonly ConcurrentDictionary<string, LeaseCache<(StudyId, ExecutionSettings), StudySession>> _devices = new();

    public static StudySessions Shared { get; } = new();

    /// <summary>The session of a study, opened if it is not.</summary>
    /// <param name="device">The device's name and torch's; null for the CPU.</param>
    /// <param name="hold">Holds the study's files for as long as the session is open.</param>
    public LeaseCache<(StudyId, ExecutionSettings), StudySession>.Lease Take(
        Study study, (string Name, Device? Torch) device, OpenedStudy opened, Func<IDisposable> hold) =>
        On(device.Name).Take((study.Id, study.Execution), () =>
        {
            var held = hold();
            try
            {
                return new StudySession(study, opened, _weights, held, device.Torch);
            }
            catch
            {
                held.Dispose();
                throw;
            }
        });

    /// <summary>The session of a study; null where it is not open.</summary>
    public LeaseCache<(StudyId, ExecutionSettings), StudySession>.Lease? TakeOpen(Study study, string device) =>
        On(device).TakeReady((study.Id, study.Execution));

    /// <summary>Lets go of what is not in use, and of the study's session as soon as its units end.</summary>
    public void Shrink(Study study)
    {
        foreach (var sessions in _devices.Values)
        {
            sessions.Forget((study.Id, study.Execution));
            sessions.Clear();
        }
        _weights.Clear();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var sessions in _devices.Values) sessions.Dispose();
        _weights.Dispose();
    }

    private LeaseCache<(StudyId, ExecutionSettings), StudySession> On(string device) => _devices.GetOrAdd(device, _ => new(1));
}
