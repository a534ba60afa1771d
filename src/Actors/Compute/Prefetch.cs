namespace InterpActors.Actors.Compute;

/// <summary>
/// How many units a worker takes at a time: as many as it computes in a given time, so that short ones do not wait for messages and a long
/// one waits in nobody's queue. Only that number depends on the clock; what a unit is and gives does not.
/// </summary>
/// <param name="Time">The work to have in hand.</param>
/// <param name="Most">Never more units.</param>
public sealed record Prefetch(TimeSpan Time, int Most)
{
    // The weight of the newest unit in the mean.
    private const double Recent = 0.3;

    /// <param name="seconds">What a unit takes at present; null before the first is done.</param>
    public int Demand(double? seconds) =>
        seconds is not { } s ? 1 : s <= 0 ? Most : (int)Math.Clamp(Math.Ceiling(Time.TotalSeconds / s), 1, Most);

    /// <summary>The running mean after another unit.</summary>
    public static double Mean(double? before, double seconds) => before is { } mean ? mean + Recent * (seconds - mean) : seconds;
}
