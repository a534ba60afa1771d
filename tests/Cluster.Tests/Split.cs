using System.Diagnostics;

namespace InterpActors.Cluster.Tests;

/// <summary>Two networks with a cable between them that can be cut: packets are lost, nobody is told.</summary>
internal sealed class Split : IDisposable
{
    public const string LeftAddress = "10.77.5.1";
    public const string RightAddress = "10.77.5.2";
    private readonly string _name = $"{Environment.ProcessId}";

    public Split()
    {
        foreach (var network in new[] { Left, Right }) Ip("netns", "add", network);
        Ip("link", "add", "l" + _name, "type", "veth", "peer", "name", "r" + _name);
        foreach (var (network, cable, address) in new[] { (Left, "l" + _name, LeftAddress), (Right, "r" + _name, RightAddress) })
        {
            Ip("link", "set", cable, "netns", network);
            Ip("-n", network, "addr", "add", address + "/24", "dev", cable);
            Ip("-n", network, "link", "set", "lo", "up");
            Ip("-n", network, "link", "set", cable, "up");
        }
    }

    /// <summary>Whether this process may make networks.</summary>
    public static bool Possible => OperatingSystem.IsLinux() && Environment.UserName == "root" && File.Exists("/usr/sbin/ip");

    public string Left => "interp-l" + _name;

    public string Right => "interp-r" + _name;

    /// <summary>From now on packets go to a card that nobody has.</summary>
    public void Cut()
    {
        Ip("-n", Left, "neigh", "replace", RightAddress, "lladdr", "02:00:00:00:00:99", "dev", "l" + _name, "nud", "permanent");
        Ip("-n", Right, "neigh", "replace", LeftAddress, "lladdr", "02:00:00:00:00:99", "dev", "r" + _name, "nud", "permanent");
    }

    public void Heal()
    {
        Ip("-n", Left, "neigh", "del", RightAddress, "dev", "l" + _name);
        Ip("-n", Right, "neigh", "del", LeftAddress, "dev", "r" + _name);
    }

    public void Dispose()
    {
        Ip("netns", "del", Left);
        Ip("netns", "del", Right);
    }

    private static void Ip(params string[] arguments)
    {
        using var process = Process.Start("/usr/sbin/ip", arguments);
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"ip {string.Join(' ', arguments)}: exit code {process.ExitCode}");
    }
}
