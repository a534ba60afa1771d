using Akka.Actor;
using InterpActors.Actors.Configuration;
using InterpActors.Messages.Artifacts;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Compute;

/// <summary>What a compute node's workers need.</summary>
/// <param name="Process">This process's incarnation, as the run's history names it.</param>
/// <param name="Broker">Where workers register: the coordinator, or a cluster's way to it.</param>
/// <param name="Engine">Makes the engine actor of a kind; null for a kind that there is none for.</param>
public sealed record ComputeServices(
    string Process, IActorRef Broker, IUnitRunner Runner, IComputedLedger Ledger, WorkSettings Settings,
    Func<EngineKind, ComputeServices, Props?> Engine)
{
    /// <summary><c>host:port</c> of the cluster member; null on a single machine.</summary>
    public string? Node { get; init; }

    /// <summary>How many workers the process has; null where that is of no concern.</summary>
    public int? Siblings { get; init; }

    /// <summary>Where units keep checkpoints and large results; null for nowhere.</summary>
    public string? Folder { get; init; }

    /// <summary>The cluster's files by content; null on a single machine.</summary>
    public IArtifacts? Artifacts { get; init; }

    /// <summary>Measures units.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}

/// <summary>One worker of a node.</summary>
/// <param name="Name">Unique on the node, e.g. <c>cpu-0</c>.</param>
/// <param name="Device">The device its engines compute on, e.g. <c>cpu</c>.</param>
/// <param name="Can">What it can compute; null for all that its device's kind can.</param>
public sealed record WorkerSlot(string Name, string Device, WorkerCapabilities? Can = null);
