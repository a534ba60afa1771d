using InterpActors.Compute.Devices;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Hosting;

/// <summary>Reads how much memory the devices that a node computes on use.</summary>
/// <param name="cards">Asked for CUDA devices only.</param>
internal sealed class DeviceMemory(IReadOnlyList<ComputeDevice> devices, NvidiaCards cards)
{
    /// <summary>
    /// The CPU's: what this process has resident, and what it may use. A card's: what all processes use; none where nothing tells.
    /// </summary>
    public IReadOnlyList<DeviceLoad> Read()
    {
        var loads = new List<DeviceLoad>();
        if (devices.Any(d => d.Name == DeviceNames.Cpu))
            loads.Add(new DeviceLoad(DeviceNames.Cpu, Environment.WorkingSet, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes));
        if (devices.All(d => d.Name == DeviceNames.Cpu)) return loads;
        var visible = cards.Visible();
        for (var i = 0; i < visible.Count; i++)
        {
            var name = $"{DeviceNames.Cuda}:{i}";
            if (devices.Any(d => d.Name == name)) loads.Add(new DeviceLoad(name, visible[i].UsedBytes, visible[i].TotalBytes));
        }
        return loads;
    }
}
