namespace InterpActors.Messages.Cluster;

/// <summary>Member to coordinator, every few seconds: how busy its machine is.</summary>
/// <param name="Node"><c>host:port</c> of the member.</param>
/// <param name="Cores">Processor cores that the node's process used since the last report, 2.5 for two and a half.</param>
/// <param name="Processors">Cores that it may use.</param>
/// <param name="MemoryBytes">Resident memory of the process.</param>
/// <param name="Devices">What it computes on.</param>
public sealed record NodeLoad(
    string Node, double Cores, int Processors, long MemoryBytes, IReadOnlyList<DeviceLoad> Devices) : IWireMessage;

/// <summary>Memory of one device.</summary>
/// <param name="Device">e.g. <c>cpu</c>, <c>cuda:0</c>.</param>
/// <param name="UsedBytes">Of a CPU by the node's process, of a GPU by all processes.</param>
/// <param name="TotalBytes">What there is.</param>
public sealed record DeviceLoad(string Device, long UsedBytes, long TotalBytes);

/// <summary>How busy are the members? Answered by <see cref="LoadsReply"/>.</summary>
public sealed record GetLoads : IWireMessage;

/// <summary>The newest report of every member that reported lately.</summary>
public sealed record LoadsReply(IReadOnlyList<NodeLoad> Loads) : IWireMessage;
