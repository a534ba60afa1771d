using InterpActors.Messages.Work;

namespace InterpActors.Actors.Work;

/// <summary>When a unit that failed is tried again, and when it is given up.</summary>
/// <param name="MaxAttempts">A unit that failed so often (deaths of its worker included) is given up.</param>
public sealed record RetryPolicy(int MaxAttempts, TimeSpan FirstDelay, TimeSpan LongestDelay)
{
    /// <summary>True where no further try may be made.</summary>
    public bool GivesUp(UnitFailureKind kind, int failures) => kind == UnitFailureKind.Permanent || failures >= MaxAttempts;

    /// <summary>Pause before the next try: grows fourfold with every failure.</summary>
    public TimeSpan Delay(int failures)
    {
        var factor = Math.Pow(4, Math.Max(0, failures - 1));
        return factor * FirstDelay.TotalSeconds >= LongestDelay.TotalSeconds ? LongestDelay : FirstDelay * factor;
    }
}
