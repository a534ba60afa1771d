namespace InterpActors.Host.Runs;

/// <summary>How many cores this process may use, counting a core with two hardware threads once.</summary>
public static class PhysicalCores
{
    public static int Count { get; } = Math.Clamp(FromCpuInfo() ?? Environment.ProcessorCount, 1, Environment.ProcessorCount);

    /// <summary>Distinct (package, core) pairs of Linux' cpuinfo; null elsewhere, and where the file names none.</summary>
    private static int? FromCpuInfo()
    {
        try
        {
            return OperatingSystem.IsLinux() ? FromCpuInfo(File.ReadLines("/proc/cpuinfo")) : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    internal static int? FromCpuInfo(IEnumerable<string> lines)
    {
        var cores = new HashSet<(string Package, string Core)>();
        var package = "";
        foreach (var line in lines)
        {
            var colon = line.IndexOf(':');
            if (colon < 0) continue;
            var key = line.AsSpan(0, colon).Trim();
            if (key is "physical id") package = line[(colon + 1)..].Trim();
            else if (key is "core id") cores.Add((package, line[(colon + 1)..].Trim()));
        }
        return cores.Count == 0 ? null : cores.Count;
    }
}
