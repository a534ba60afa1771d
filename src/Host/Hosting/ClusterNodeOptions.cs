using InterpActors.Actors.Artifacts;
using InterpActors.Actors.Configuration;
using InterpActors.Actors.Journal;
using InterpActors.Compute.Devices;
using InterpActors.Host.Certificates;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Host.Hosting;

/// <summary>What a member of a cluster needs.</summary>
/// <param name="Roles">Some of <see cref="ClusterMembers.Roles"/>.</param>
/// <param name="Data">
/// Its folder: journal (coordinators), <c>computed.log</c>, <c>members.txt</c>, <c>warnings.log</c>. Made unless it is there.
/// </param>
public sealed record ClusterNodeOptions(IReadOnlyList<string> Roles, string Data, IStudyPlanner Planner, IUnitRunner Runner)
{
    /// <summary>The name or address that the other members reach it by.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>0 for a free one.</summary>
    public int Port { get; init; }

    /// <summary>
    /// Members to join, as <c>host:port</c>; with none, or itself as the first, it founds a cluster unless it finds an old one.
    /// </summary>
    public IReadOnlyList<string> Seeds { get; init; } = [];

    /// <summary>The journal of a coordinator: <c>journal.db</c> in <see cref="Data"/> unless it is set.</summary>
    public JournalLocation Journal { get; init; } = new JournalFile(Path.Combine(Data, "journal.db"));

    /// <summary>Units computed at a time on a compute node's CPU.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>Torch threads that each of them is meant to use; a study says itself how many it takes.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>What a compute node computes on.</summary>
    public IReadOnlyList<ComputeDevice> Devices { get; init; } = [new(DeviceNames.Cpu, 0)];

    /// <summary>HOCON text that wins over the files of the <c>hocon</c> folder.</summary>
    public string Configuration { get; init; } = "";

    /// <summary>HOCON text that wins over everything.</summary>
    public string Overrides { get; init; } = "";

    /// <summary>The node's certificate and whom it trusts; null for connections that are neither secret nor checked.</summary>
    public NodeIdentity? Identity { get; init; }

    /// <summary>Hears one line of what the user should know while the node runs, e.g. why nobody lets it in.</summary>
    public Action<string> Say { get; init; } = _ => { };

    /// <summary>The files by content that the node has and passes on; null for a node whose studies' files are all in place.</summary>
    public NodeArtifacts? Artifacts { get; init; }

    public bool IsCoordinator => Roles.Contains(ClusterMembers.CoordinatorRole);

    public bool Computes => Roles.Contains(ClusterMembers.ComputeRole);

    /// <summary>Where units keep checkpoints, activations and large results.</summary>
    internal string UnitsFolder => Path.Combine(Data, "units");

    internal string LogFile => Path.Combine(Data, "warnings.log");

    internal string MembersFile => Path.Combine(Data, "members.txt");

    internal string LedgerFile => Path.Combine(Data, "computed.log");
}
