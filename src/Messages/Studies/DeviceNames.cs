namespace InterpActors.Messages.Studies;

/// <summary>Devices are named <c>cpu</c>, <c>cuda:0</c>, <c>cuda:1</c>; what stands before the colon is their kind.</summary>
public static class DeviceNames
{
    public const string Cpu = "cpu";

    public const string Cuda = "cuda";

    /// <summary>The kinds of devices.</summary>
    public static IReadOnlyList<string> Kinds { get; } = [Cpu, Cuda];

    public static string KindOf(string device) => device.Split(':')[0];
}
