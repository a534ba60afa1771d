namespace InterpActors.Compute.Dictionaries.Architectures;

/// <summary>Coefficients that change linearly over the first steps of a run.</summary>
internal static class WarmUp
{
    /// <summary>From one value to another over some steps.</summary>
    public static double Between(long step, double first, double last, int steps) =>
        step < steps ? first + (last - first) * step / steps : last;

    public static double At(long step, double value, int steps) => steps > 0 ? value * Math.Min((double)step / steps, 1) : value;
}
