using Akka.Actor;
using InterpActors.Messages.Studies;

namespace InterpActors.Actors.Work;

/// <summary>What the broker knows about one worker.</summary>
internal sealed class WorkerEntry(string id, string process, string device, IActorRef actor)
{
    public string Id { get; } = id;
    public string Process { get; } = process;
    public string Device { get; } = device;
    public IActorRef Actor { get; } = actor;

    /// <summary>How many units it may hold at a time.</summary>
    public int Demand { get; set; }

    /// <summary>The study that was asked for a unit and has not answered.</summary>
    public StudyId? Asked { get; set; }

    public Dictionary<(StudyId Study, long Ordinal), Lease> Leases { get; } = [];

    public DateTimeOffset LastBeat { get; set; }

    /// <summary>True where another unit may be sought for it.</summary>
    public bool Wants => Asked is null && Leases.Count < Demand;
}

/// <summary>A unit in a worker's hands.</summary>
/// <param name="Assign">The assignment, for sending it again; null where the worker claimed the unit itself.</param>
internal sealed record Lease(Messages.Cluster.UnitTry Unit, Messages.Cluster.Assign? Assign);
