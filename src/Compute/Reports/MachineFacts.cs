using System.Reflection;
using System.Runtime.InteropServices;

namespace InterpActors.Compute.Reports;

/// <summary>What a result's reader wants to know about program and machine.</summary>
/// <param name="Cpu">The processor's own name.</param>
/// <param name="Cores">Logical cores that this process may use.</param>
/// <param name="MemoryBytes">Memory that this process may use.</param>
/// <param name="Torch">Version of TorchSharp.</param>
public sealed record MachineFacts(string CodeVersion, string Cpu, int Cores, long MemoryBytes, string System, string Runtime, string Torch)
{
    public static MachineFacts Read() => new(
        VersionOf(typeof(MachineFacts).Assembly), ReadCpu(), Environment.ProcessorCount,
        GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, RuntimeInformation.OSDescription, RuntimeInformation.FrameworkDescription,
        $"TorchSharp {VersionOf(typeof(TorchSharp.torch).Assembly)}");

    private static string VersionOf(Assembly assembly) =>
        assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
        ?? assembly.GetName().Version?.ToString() ?? "unknown";

    private static string ReadCpu()
    {
        var otherwise = RuntimeInformation.ProcessArchitecture.ToString();
        try
        {
            var line = File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal));
            return line is null ? otherwise : line[(line.IndexOf(':') + 1)..].Trim();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? otherwise;
        }
    }
}
