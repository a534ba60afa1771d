using static TorchSharp.torch;

namespace InterpActors.Compute.Devices;

/// <summary>The devices that this process may compute on. The product has <see cref="TorchDevices"/>; tests simulate others.</summary>
public interface IDeviceProvider
{
    /// <summary>The CPU first.</summary>
    IReadOnlyList<ComputeDevice> All { get; }

    /// <summary>Why there are no more of them, in a line for people.</summary>
    string Limits { get; }

    /// <summary>Where tensors of a device live.</summary>
    /// <param name="name">The name of one of <see cref="All"/>.</param>
    Device Open(string name);
}

/// <summary>A device.</summary>
/// <param name="Name"><c>cpu</c>, <c>cuda:0</c>.</param>
/// <param name="MemoryBytes">What it has in all; 0 where that cannot be told.</param>
public sealed record ComputeDevice(string Name, long MemoryBytes);
