using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Hosting;

/// <summary>Reads how much memory the devices of this machine use.</summary>
internal static class DeviceMemory
{
    /// <summary>The CPU's: what this process has resident, and what it may use.</summary>
    public static IReadOnlyList<DeviceLoad> Read() =>
        [new DeviceLoad(DeviceNames.Cpu, Environment.WorkingSet, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes)];
}
