using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;

namespace InterpActors.Actors.Work;

/// <summary>What a worker must have to compute a study.</summary>
/// <param name="DeviceKind">The kind of device the study is bound to.</param>
/// <param name="MemoryBytes">What its process needs at most.</param>
/// <param name="Threads">Torch threads of a worker; workers with as many are preferred, others take it where there is none.</param>
public sealed record StudyNeeds(string DeviceKind, long MemoryBytes, string Dtype, int Threads)
{
    public bool AreMetBy(WorkerCapabilities can) => HasDevice(can) && HasDtype(can) && HasMemory(can);

    /// <summary>Why none of the workers can take the study, in one line; null where one can.</summary>
    public string? Unmet(IReadOnlyCollection<WorkerCapabilities> workers)
    {
        if (workers.Any(AreMetBy)) return null;
        if (workers.Count == 0) return "no worker is there; start a compute node";
        var devices = workers.Where(HasDevice).ToArray();
        if (devices.Length == 0)
            return $"needs a {DeviceKind} device; there are {string.Join(", ", workers.Select(w => w.DeviceKind).Distinct().Order())}";
        var able = devices.Where(HasDtype).ToArray();
        if (able.Length == 0) return $"needs {Dtype}, which no {DeviceKind} device here computes in";
        return $"needs {GiB(MemoryBytes)} of memory; the largest {DeviceKind} worker has {GiB(able.Max(w => w.MemoryBytes))}";
    }

    private bool HasDevice(WorkerCapabilities can) => can.DeviceKind == DeviceKind;

    private bool HasDtype(WorkerCapabilities can) => can.Dtypes.Contains(Dtype);

    private bool HasMemory(WorkerCapabilities can) => can.MemoryBytes == 0 || MemoryBytes <= can.MemoryBytes;

    private static string GiB(long bytes) => FormattableString.Invariant($"{bytes / (double)(1L << 30):0.##} GiB");

    /// <summary>What a worker can that did not say: all that its device's kind can.</summary>
    public static WorkerCapabilities Presumed(string device) => new(DeviceNames.KindOf(device), 0, ["fp32", "fp64"], int.MaxValue);
}
