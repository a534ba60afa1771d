using InterpActors.Compute.Devices;
using InterpActors.Host.Hosting;

namespace InterpActors.Host.Tests.Hosting;

/// <summary>Memory of devices, with a stand-in for the driver's tool.</summary>
public sealed class DeviceMemoryTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("devices-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(null, new[] { "cuda:0 1024 81559", "cuda:1 5 40960" })]
    [InlineData("1", new[] { "cuda:0 5 40960" })]
    [InlineData("GPU-b, 0", new[] { "cuda:0 5 40960", "cuda:1 1024 81559" })]
    [InlineData("1,7,0", new[] { "cuda:0 5 40960" })]
    [InlineData("", new string[0])]
    public void Cards_are_numbered_as_CUDA_does(string? visible, string[] expected)
    {
        var tool = Tool("printf 'GPU-a, 1024, 81559\\nGPU-b, 5, 40960\\n'");
        var devices = new[] { new ComputeDevice("cuda:0", 0), new ComputeDevice("cuda:1", 0) };
        var loads = new DeviceMemory(devices, new NvidiaCards(tool, visible)).Read();
        Assert.Equal(expected, loads.Select(l => $"{l.Device} {l.UsedBytes >> 20} {l.TotalBytes >> 20}"));
    }

    [Theory]
    [InlineData("echo 'NVIDIA-SMI has failed'; exit 9")]
    [InlineData("printf 'GPU-a, [N/A], [N/A]\\n'")]
    public void A_tool_that_says_nothing_is_no_trouble(string script)
    {
        var devices = new[] { new ComputeDevice("cpu", 0), new ComputeDevice("cuda:0", 0) };
        Assert.Equal("cpu", Assert.Single(new DeviceMemory(devices, new NvidiaCards(Tool(script), null)).Read()).Device);
        Assert.Equal("cpu", Assert.Single(new DeviceMemory(devices, new NvidiaCards(Path.Combine(_folder, "none"), null)).Read()).Device);
    }

    private string Tool(string script)
    {
        var path = Path.Combine(_folder, "tool");
        File.WriteAllText(path, $"#!/bin/sh\n{script}\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.UserWrite);
        return path;
    }
}
