using System.Reflection;

namespace InterpActors.Messages.Studies;

/// <summary>
/// Names of processes in a run's history: when, where, and which version of the program, e.g.
/// <c>20260314T150926.535-gpu-1-4711@0.1.0</c>. So a history of several versions (a resumed run, nodes in the middle of an upgrade) tells
/// them.
/// </summary>
public static class ProcessName
{
    /// <summary>The version of this program, without the commit that it was built from.</summary>
    public static string Version { get; } =
        typeof(ProcessName).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()
            ?.InformationalVersion.Split('+')[0]
            ?? "0.0.0";

    /// <summary>A name for this process, begun now.</summary>
    /// <param name="machine">Null for a run on one machine.</param>
    public static string New(string? machine = null) =>
        $"{DateTimeOffset.UtcNow:yyyyMMdd'T'HHmmss.fff}-{(machine is null ? "" : machine.Replace(' ', '_') + "-")}"
            + $"{Environment.ProcessId}@{Version}";

    /// <summary>The version that a process had; null for one that did not tell.</summary>
    public static string? VersionOf(string process)
    {
        var at = process.LastIndexOf('@');
        return at < 0 ? null : process[(at + 1)..];
    }
}
