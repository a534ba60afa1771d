using Akka.Actor;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;

namespace InterpActors.Actors.Work;

/// <summary>What the broker knows about one worker.</summary>
internal sealed class WorkerEntry(RegisterWorker registration, IActorRef actor)
{
    public string Id { get; } = registration.Worker;
    public string Process { get; } = registration.Process;
    public string Node { get; } = registration.Node ?? "";
    public string Device { get; } = registration.Device;
    public int Siblings { get; } = registration.Siblings ?? 1;
    public IActorRef Actor { get; } = actor;

    /// <summary>How many units it may hold at a time.</summary>
    public int Demand { get; set; }

    /// <summary>The study that was asked for a unit and has not answered.</summary>
    public StudyId? Asked { get; set; }

    public Dictionary<(StudyId Study, long Ordinal), Lease> Leases { get; } = [];

    public DateTimeOffset LastBeat { get; set; }

    /// <summary>Done fraction of the unit it computes.</summary>
    public double Fraction { get; set; }

    /// <summary>Studies that it cannot compute, and until when it is not asked again.</summary>
    public Dictionary<StudyId, DateTimeOffset> Unfit { get; } = [];

    public bool IsFit(StudyId study, DateTimeOffset now) => !Unfit.TryGetValue(study, out var until) || until <= now;

    public WorkerView View() => new(
        Id, Process, Node, Device,
        [.. Leases.Values.Select(l => new LeaseView(l.Unit.Study, l.Unit.Ordinal, l.Unit.Attempt, l.Assign?.Unit.Label, Fraction))], LastBeat);

    /// <summary>True where another unit may be sought for it.</summary>
    public bool Wants => Asked is null && Leases.Count < Demand;
}

/// <summary>A unit in a worker's hands.</summary>
/// <param name="Assign">The assignment, for sending it again; null where the worker claimed the unit itself.</param>
internal sealed record Lease(UnitTry Unit, Assign? Assign);
