using Akka.Configuration;
using InterpActors.Actors.Compute;
using InterpActors.Actors.Work;

namespace InterpActors.Actors.Configuration;

/// <summary>The <c>interp.work</c> section of the configuration; every value is documented in <c>hocon/akka.conf</c>.</summary>
public sealed record WorkSettings(
    TimeSpan Beat, TimeSpan Lease, TimeSpan ReconcileGrace, RetryPolicy Retry, int SnapshotEvery)
{
    /// <summary>How long a worker that cannot compute a study is not asked again.</summary>
    public TimeSpan UnfitRest { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Above zero, studies start with the coordinator, and again so long after their journal failed; else when they are submitted.
    /// </summary>
    public TimeSpan ReviveAfter { get; init; }

    /// <summary>How long a study rests whose files could not be had, before they are looked for again.</summary>
    public TimeSpan PlanAgain { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>When a slow worker's unit is given to an idle one too.</summary>
    public TailPolicy Tail { get; init; } = new(3, TimeSpan.FromSeconds(2));

    /// <summary>How many units a worker takes at a time.</summary>
    public Prefetch Prefetch { get; init; } = new(TimeSpan.FromMilliseconds(250), 16);

    /// <summary>Bytes that harvested activations may take on this machine.</summary>
    public long HarvestLimit { get; init; } = 64L << 30;

    /// <summary>How often a cluster node looks for what units of finished studies left.</summary>
    public TimeSpan ScratchEvery { get; init; } = TimeSpan.FromSeconds(30);

    /// <exception cref="ConfigurationException">The section is missing.</exception>
    public static WorkSettings From(Config config)
    {
        var work = config.GetConfig("interp.work") ?? throw new ConfigurationException("interp.work is not configured");
        return new WorkSettings(
            work.GetTimeSpan("beat"),
            work.GetTimeSpan("lease"),
            work.GetTimeSpan("reconcile-grace"),
            new RetryPolicy(work.GetInt("max-attempts"), work.GetTimeSpan("first-retry"), work.GetTimeSpan("longest-retry"))
            {
                MaxDeaths = work.GetInt("max-deaths"),
            },
            work.GetInt("snapshot-every"))
        {
            UnfitRest = work.GetTimeSpan("unfit-rest"),
            ReviveAfter = work.GetTimeSpan("revive-after"),
            PlanAgain = work.GetTimeSpan("plan-again"),
            Tail = new TailPolicy(work.GetDouble("tail-factor"), work.GetTimeSpan("tail-at-least")),
            HarvestLimit = work.GetByteSize("harvest-limit") is > 0 and { } bytes ? bytes
                : throw new ConfigurationException("interp.work.harvest-limit must be a size above 0"),
            ScratchEvery = work.GetTimeSpan("scratch-every"),
            Prefetch = new Prefetch(work.GetTimeSpan("prefetch"), work.GetInt("prefetch-most")),
        };
    }
}
