using Akka.Configuration;
using InterpActors.Actors.Work;

namespace InterpActors.Actors.Configuration;

/// <summary>The <c>interp.work</c> section of the configuration; every value is documented in <c>hocon/akka.conf</c>.</summary>
public sealed record WorkSettings(
    TimeSpan Beat, TimeSpan Lease, TimeSpan ReconcileGrace, RetryPolicy Retry, int SnapshotEvery)
{
    /// <summary>How long a worker that cannot compute a study is not asked again.</summary>
    public TimeSpan UnfitRest { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Above zero, studies start with the coordinator, and again so long after their journal failed; else when they are submitted.</summary>
    public TimeSpan ReviveAfter { get; init; }

    /// <exception cref="ConfigurationException">The section is missing.</exception>
    public static WorkSettings From(Config config)
    {
        var work = config.GetConfig("interp.work") ?? throw new ConfigurationException("interp.work is not configured");
        return new WorkSettings(
            work.GetTimeSpan("beat"),
            work.GetTimeSpan("lease"),
            work.GetTimeSpan("reconcile-grace"),
            new RetryPolicy(work.GetInt("max-attempts"), work.GetTimeSpan("first-retry"), work.GetTimeSpan("longest-retry")),
            work.GetInt("snapshot-every"))
        {
            UnfitRest = work.GetTimeSpan("unfit-rest"),
            ReviveAfter = work.GetTimeSpan("revive-after"),
        };
    }
}
