using InterpActors.Actors.Compute;
using InterpActors.Compute.Devices;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Hosting;

/// <summary>A compute node's workers: several for the CPU, all sharing the weights in memory, and one for each other device.</summary>
public static class DeviceSlots
{
    private static readonly string[] Dtypes = ["fp32", "fp64"];

    /// <summary>The devices that a list names.</summary>
    /// <param name="list">e.g. <c>cpu,cuda:0</c>; null for all there are.</param>
    /// <exception cref="StudyException">One of them is not here, or no device's name.</exception>
    public static IReadOnlyList<ComputeDevice> Choose(string? list, IDeviceProvider devices)
    {
        if (list is null) return devices.All;
        return [.. list.Split(',', StringSplitOptions.TrimEntries).Distinct().Select(name => devices.All.FirstOrDefault(d => d.Name == name)
            ?? throw Unknown(name, devices))];
    }

    /// <summary>The devices of a kind.</summary>
    /// <exception cref="StudyException">There is none here.</exception>
    public static IReadOnlyList<ComputeDevice> OfKind(string kind, IDeviceProvider devices)
    {
        if (kind == DeviceNames.Cpu) return [devices.All[0]];
        ComputeDevice[] found = [.. devices.All.Where(d => DeviceNames.KindOf(d.Name) == kind)];
        return found.Length > 0 ? found : throw new StudyException($"there is no {kind} device here", "--device", devices.Limits);
    }

    /// <param name="workers">Units computed at a time on the CPU.</param>
    /// <param name="threads">Torch threads that each CPU worker is meant to use.</param>
    public static IReadOnlyList<WorkerSlot> For(IReadOnlyList<ComputeDevice> devices, int workers, int threads)
    {
        var slots = new List<WorkerSlot>();
        foreach (var device in devices)
        {
            var kind = DeviceNames.KindOf(device.Name);
            var can = new WorkerCapabilities(kind, device.MemoryBytes, Dtypes, threads);
            if (kind == DeviceNames.Cpu)
                slots.AddRange(Enumerable.Range(0, workers).Select(i => new WorkerSlot($"cpu-{i}", device.Name, can)));
            else slots.Add(new WorkerSlot(device.Name.Replace(':', '-'), device.Name, can));
        }
        return slots;
    }

    private static StudyException Unknown(string name, IDeviceProvider devices)
    {
        var parts = name.Split(':');
        var isName = parts is [DeviceNames.Cuda, var number] && int.TryParse(number, out var n) && n >= 0;
        return isName
            ? new StudyException($"there is no {name} here", "--devices", devices.Limits)
            : new StudyException($"'{name}' is no device", "--devices", "write cpu, cuda:0, cuda:1, … with commas between them");
    }
}
