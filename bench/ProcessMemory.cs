using System.Globalization;

namespace InterpActors.Bench;

/// <summary>Resident memory of this process as Linux counts it, in bytes; 0 elsewhere.</summary>
public static class ProcessMemory
{
    private const string Status = "/proc/self/status";

    public static long Resident() => Field("VmRSS:");

    /// <summary>The highest resident memory since the start or the last reset.</summary>
    public static long Peak() => Field("VmHWM:");

    /// <summary>Makes the present memory the peak; false where the system does not allow it.</summary>
    public static bool ResetPeak()
    {
        try
        {
            File.WriteAllText("/proc/self/clear_refs", "5");
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static long Field(string name)
    {
        if (!File.Exists(Status)) return 0;
        var line = File.ReadLines(Status).First(l => l.StartsWith(name, StringComparison.Ordinal));
        return 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}
