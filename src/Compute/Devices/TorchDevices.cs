using System.Globalization;
using InterpActors.Messages.Studies;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Devices;

/// <summary>The devices that torch finds: the CPU, and CUDA devices where the program was built with <c>-p:Cuda=true</c>.</summary>
public sealed class TorchDevices : IDeviceProvider
{
    private readonly Lazy<(ComputeDevice[] All, string Limits)> _found = new(Find);

    public static TorchDevices Instance { get; } = new();

    /// <inheritdoc/>
    public IReadOnlyList<ComputeDevice> All => _found.Value.All;

    /// <inheritdoc/>
    public string Limits => _found.Value.Limits;

    /// <inheritdoc/>
    public Device Open(string name)
    {
        if (name == DeviceNames.Cpu) return CPU;
        var number = int.Parse(name[(DeviceNames.Cuda.Length + 1)..], CultureInfo.InvariantCulture);
        InitializeDeviceType(DeviceType.CUDA);
        return new Device(DeviceType.CUDA, number);
    }

    private static (ComputeDevice[] All, string Limits) Find()
    {
        // Within a container's limit, where there is one.
        var cpu = new ComputeDevice(DeviceNames.Cpu, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
        if (!IsBuiltForCuda) return ([cpu], "this build computes on the CPU only; build with -p:Cuda=true for CUDA");
        if (!cuda.is_available()) return ([cpu], "torch finds no CUDA device; is the driver installed?");
        var count = cuda.device_count();
        // Torch tells nothing of a device's memory; a unit that finds too little is moved.
        return ([cpu, .. Enumerable.Range(0, count).Select(i => new ComputeDevice($"{DeviceNames.Cuda}:{i}", 0))],
            $"torch finds {(count == 1 ? "one CUDA device" : $"{count} CUDA devices")}");
    }

    /// <summary>A CPU build is not asked: torch would look for CUDA libraries all over the machine.</summary>
    private static bool IsBuiltForCuda =>
        new[] { AppContext.BaseDirectory, Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native") }
            .Any(f => Directory.Exists(f) && Directory.EnumerateFiles(f, "libtorch_cuda*").Any());
}
