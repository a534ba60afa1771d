using System.Globalization;

namespace InterpActors.Compute.Statistics;

/// <summary>Decides whether a score may be divided by a mean.</summary>
public static class Denominator
{
    /// <summary>
    /// Why a ratio of means must not be formed, or null where it may. A denominator is refused where its mean is no larger than the
    /// rounding of the values it was formed from, or smaller than its own standard error over prompts. (A mean of values that cannot
    /// be negative is never smaller than its standard error, so this refuses cancellation, not spread.)
    /// </summary>
    /// <param name="values">The denominator of each prompt.</param>
    /// <param name="scale">Mean magnitude of the metric values that it was formed from.</param>
    /// <param name="singlePrecision">True where the model ran in fp32.</param>
    /// <param name="name">What it is, for the message.</param>
    public static string? Refusal(ReadOnlySpan<double> values, double scale, bool singlePrecision, string name)
    {
        var estimate = MeanEstimate.Of(values);
        var size = Math.Abs(estimate.Mean);
        if (size == 0) return $"{name} is exactly 0";
        if (size <= (singlePrecision ? 1e-6 : 1e-12) * scale) return $"{name} is {Show(estimate.Mean)}, which is rounding";
        if (estimate.StandardError is { } se && size < se * (1 - 1e-9))
            return $"{name} is {Show(estimate.Mean)}, less than its standard error of {Show(se)} over {values.Length} prompts";
        return null;
    }

    private static string Show(double x) => x.ToString("G3", CultureInfo.InvariantCulture);
}
