using InterpActors.Actors.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Work;

/// <summary>When a unit that failed is tried again, and when it is given up.</summary>
/// <param name="MaxAttempts">A unit whose engine reported a failure so often is given up.</param>
public sealed record RetryPolicy(int MaxAttempts, TimeSpan FirstDelay, TimeSpan LongestDelay)
{
    /// <summary>
    /// So is one whose worker died so often. Most deaths are no fault of the unit's; one that kills every worker must end some time.
    /// </summary>
    public int MaxDeaths { get; init; } = 20;

    /// <summary>True where no further try may be made.</summary>
    public bool GivesUp(UnitFailureKind kind, UnitTrouble trouble) =>
        kind == UnitFailureKind.Permanent || trouble.Faults >= MaxAttempts || trouble.Deaths >= MaxDeaths;

    /// <summary>Pause before the next try: grows fourfold with every failure in a row.</summary>
    public TimeSpan Delay(int failures)
    {
        var factor = Math.Pow(4, Math.Max(0, failures - 1));
        return factor * FirstDelay.TotalSeconds >= LongestDelay.TotalSeconds ? LongestDelay : FirstDelay * factor;
    }
}
