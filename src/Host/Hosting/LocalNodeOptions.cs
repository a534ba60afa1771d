using InterpActors.Compute.Devices;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Host.Hosting;

/// <summary>What a node for a run on this machine needs.</summary>
/// <param name="JournalPath">The SQLite journal; made unless it is there. <c>computed.log</c> lies beside it.</param>
/// <param name="Workers">Units computed at a time on the CPU.</param>
public sealed record LocalNodeOptions(string JournalPath, int Workers, IStudyPlanner Planner, IUnitRunner Runner)
{
    /// <summary>What it computes on.</summary>
    public IReadOnlyList<ComputeDevice> Devices { get; init; } = [new(DeviceNames.Cpu, 0)];

    /// <summary>Where warnings of the actor system go; null for nowhere.</summary>
    public string? LogFile { get; init; }

    /// <summary>Where computed units are noted; null for <c>computed.log</c> beside the journal.</summary>
    public IComputedLedger? Ledger { get; init; }

    /// <summary>HOCON text that wins over the files of the <c>hocon</c> folder.</summary>
    public string Overrides { get; init; } = "";

    /// <summary>Names this process's incarnation in the run's history.</summary>
    public string Process { get; init; } = ProcessName.New();

    /// <summary>The path of the ledger beside a journal.</summary>
    public static string LedgerPath(string journalPath) =>
        Path.Combine(Path.GetDirectoryName(Path.GetFullPath(journalPath))!, "computed.log");
}
