using Akka.Actor;

namespace InterpActors.Actors.Work;

/// <summary>What the broker knows about one open study.</summary>
internal sealed class StudyEntry(IActorRef actor)
{
    public IActorRef Actor { get; set; } = actor;

    public bool HasWork { get; set; }

    /// <summary>Null where any worker will do.</summary>
    public StudyNeeds? Needs { get; set; }

    public FairShare.Account Share { get; } = new();

    public UnitPace Pace { get; } = new();

    /// <summary>What the study was told about why nobody computes it.</summary>
    public string? HeldUp { get; set; }
}
