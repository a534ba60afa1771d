using MathNet.Numerics.Distributions;

namespace InterpActors.Compute.Statistics;

/// <summary>A mean over prompts, in file order, with the spread of its estimate.</summary>
/// <param name="StandardError">Sample standard deviation (n − 1) over sqrt(n), by two passes; null for n = 1.</param>
public readonly record struct MeanEstimate(int N, double Mean, double? StandardError)
{
    public static MeanEstimate Of(ReadOnlySpan<double> values)
    {
        var mean = MeanOf(values);
        if (values.Length < 2) return new MeanEstimate(values.Length, mean, null);
        var squares = 0.0;
        foreach (var v in values) squares += (v - mean) * (v - mean);
        return new MeanEstimate(values.Length, mean, Math.Sqrt(squares / (values.Length - 1)) / Math.Sqrt(values.Length));
    }

    public static double MeanOf(ReadOnlySpan<double> values)
    {
        var sum = 0.0;
        foreach (var v in values) sum += v;
        return sum / values.Length;
    }

    /// <summary>Half the width of the confidence interval by Student's t with n − 1 degrees of freedom; 0 for n = 1.</summary>
    public double HalfWidth(double confidence = 0.95) =>
        StandardError is { } se ? StudentT.InvCDF(0, 1, N - 1, 0.5 + confidence / 2) * se : 0;
}
