namespace InterpActors.Compute.Dictionaries.Architectures;

/// <summary>Coefficients that grow linearly, from 0 in the first step.</summary>
internal static class WarmUp
{
    public static double At(long step, double value, int steps) => steps > 0 ? value * Math.Min((double)step / steps, 1) : value;
}
