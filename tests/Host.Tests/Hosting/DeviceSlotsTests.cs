using InterpActors.Compute.Devices;
using InterpActors.Host.Hosting;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Host.Tests.Hosting;

public class DeviceSlotsTests
{
    private sealed class Devices : IDeviceProvider
    {
        public IReadOnlyList<ComputeDevice> All { get; } = [new("cpu", 1L << 34), new("cuda:0", 0), new("cuda:1", 0)];

        public string Limits => "torch finds 2 CUDA devices";

        public Device Open(string name) => CPU;
    }

    [Theory]
    [InlineData(null, "cpu cuda:0 cuda:1")]
    [InlineData("cpu", "cpu")]
    [InlineData("cuda:1, cpu,cpu", "cuda:1 cpu")]
    public void Devices_are_all_there_are_or_those_named(string? list, string chosen) =>
        Assert.Equal(chosen, string.Join(' ', DeviceSlots.Choose(list, new Devices()).Select(d => d.Name)));

    [Fact]
    public void A_device_that_is_not_there_is_refused_with_what_there_is()
    {
        var error = Assert.Throws<StudyException>(() => DeviceSlots.Choose("cuda:2", new Devices())).Message;
        Assert.Contains("there is no cuda:2 here", error, StringComparison.Ordinal);
        Assert.Contains("torch finds 2 CUDA devices", error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_cpu_has_several_workers_and_every_other_device_one()
    {
        var slots = DeviceSlots.For(new Devices().All, 2, 3);
        Assert.Equal(["cpu-0 cpu", "cpu-1 cpu", "cuda-0 cuda:0", "cuda-1 cuda:1"], slots.Select(s => $"{s.Name} {s.Device}"));
        Assert.Equal([("cpu", 1L << 34, 3), ("cpu", 1L << 34, 3), ("cuda", 0L, 3), ("cuda", 0L, 3)],
            slots.Select(s => (s.Can!.DeviceKind, s.Can.MemoryBytes, s.Can.Threads)));
    }
}
