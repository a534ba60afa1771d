using Akka.Actor;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;

namespace InterpActors.Actors.Work;

/// <summary>What the broker knows about one worker.</summary>
internal sealed class WorkerEntry(RegisterWorker registration, IActorRef actor)
{
    // The weight of the newest unit in the worker's speed.
    private const double Recent = 0.3;

    public string Id { get; } = registration.Worker;
    public string Process { get; } = registration.Process;
    public string Node { get; } = registration.Node ?? "";
    public string Device { get; } = registration.Device;
    public int Siblings { get; } = registration.Siblings ?? 1;
    public WorkerCapabilities Can { get; } = registration.Can ?? StudyNeeds.Presumed(registration.Device);
    public IActorRef Actor { get; set; } = actor;

    /// <summary>How many units it may hold at a time.</summary>
    public int Demand { get; set; }

    /// <summary>The study that was asked for a unit and has not answered.</summary>
    public StudyId? Asked { get; set; }

    /// <summary>Seconds that the share of <see cref="Asked"/> was charged for the unit to come.</summary>
    public double Charged { get; set; }

    /// <summary>
    /// In the order it got them, which is the order it computes them in: the first is being computed or on its way to the journal, the
    /// others have not been begun.
    /// </summary>
    public OrderedDictionary<(StudyId Study, long Ordinal), Lease> Leases { get; } = [];

    /// <summary>Since when it has been at its first unit.</summary>
    public DateTimeOffset BegunAt { get; set; }

    public DateTimeOffset LastBeat { get; set; }

    /// <summary>The unit it says it computes, and how far that is.</summary>
    public (UnitTry? Unit, double Fraction) Computing { get; set; }

    /// <summary>How many times longer than usual its units take.</summary>
    public double Slowness { get; private set; } = 1;

    /// <summary>Why, and until when, it gets no units at all.</summary>
    public (string Reason, DateTimeOffset Until)? SetAside { get; set; }

    /// <summary>Studies that want to know whether it is alive, because another worker was quicker with its unit.</summary>
    public HashSet<IActorRef> Awaited { get; } = [];

    /// <summary>Studies that it cannot compute: why, and until when it is not asked again.</summary>
    public Dictionary<StudyId, (string Reason, DateTimeOffset Until)> Unfit { get; } = [];

    public bool IsAside(DateTimeOffset now) => SetAside is { } aside && aside.Until > now;

    public bool IsFit(StudyId study, DateTimeOffset now) => WhyUnfit(study, now) is null;

    /// <summary>Why it is not asked to compute a study just now; null where it is.</summary>
    public string? WhyUnfit(StudyId study, DateTimeOffset now) =>
        IsAside(now) ? SetAside!.Value.Reason : Unfit.TryGetValue(study, out var unfit) && unfit.Until > now ? unfit.Reason : null;

    /// <summary>Time passed that the broker did not see.</summary>
    public void Sleep(TimeSpan unseen)
    {
        LastBeat += unseen;
        BegunAt += unseen;
        foreach (var lease in Leases.Values) lease.Since += unseen;
    }

    /// <summary>Notes how long a unit took beside what one of its study usually takes.</summary>
    public void Took(double seconds, double? typical)
    {
        if (typical is > 0) Slowness += Recent * (seconds / typical.Value - Slowness);
    }

    public double Fraction(UnitTry unit) => Computing.Unit == unit ? Computing.Fraction : 0;

    public WorkerView View(DateTimeOffset now) => new(
        Id, Process, Node, Device,
        [.. Leases.Values.Select(l => new LeaseView(l.Unit.Study, l.Unit.Ordinal, l.Unit.Attempt, l.Assign?.Unit.Label, Fraction(l.Unit)))],
        LastBeat, IsAside(now) ? SetAside!.Value.Reason : null);

    /// <summary>True where another unit may be sought for it.</summary>
    public bool Wants => Asked is null && Leases.Count < Demand;
}

/// <summary>A unit in a worker's hands.</summary>
/// <param name="Assign">The assignment, for sending it again; null where the worker claimed the unit itself.</param>
/// <param name="Charged">Seconds that the study's share was charged for it.</param>
internal sealed record Lease(UnitTry Unit, Assign? Assign, double Charged)
{
    /// <summary>When it was handed out.</summary>
    public DateTimeOffset Since { get; set; }

    /// <summary>Its result is on its way to the journal.</summary>
    public bool IsReported { get; set; }

    /// <summary>How long it took; null until its result is reported.</summary>
    public double? Seconds { get; set; }
}
