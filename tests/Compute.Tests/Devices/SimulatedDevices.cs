using InterpActors.Compute.Devices;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Devices;

/// <summary>A CPU and two CUDA devices whose tensors live on the CPU too.</summary>
public sealed class SimulatedDevices : IDeviceProvider
{
    public IReadOnlyList<ComputeDevice> All { get; } = [new("cpu", 0), new("cuda:0", 0), new("cuda:1", 0)];

    public string Limits => "two CUDA devices are simulated";

    public Device Open(string name) => CPU;
}
