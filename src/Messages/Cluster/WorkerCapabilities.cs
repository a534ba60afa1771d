namespace InterpActors.Messages.Cluster;

/// <summary>What a worker can compute; part of its registration.</summary>
/// <param name="DeviceKind"><c>cpu</c> or <c>cuda</c>.</param>
/// <param name="MemoryBytes">What its device may take in all, its siblings included; 0 where it cannot be told.</param>
/// <param name="Dtypes"><c>fp32</c>, <c>fp64</c>.</param>
/// <param name="Threads">Torch threads it is meant to use.</param>
public sealed record WorkerCapabilities(string DeviceKind, long MemoryBytes, IReadOnlyList<string> Dtypes, int Threads);
