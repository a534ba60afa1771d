namespace InterpActors.Compute.Metrics;

/// <summary>
/// KL(clean ‖ this) = Σ p_clean (log p_clean − log p), natural logarithms, over the whole vocabulary. The clean run's own value is
/// exactly 0.
/// </summary>
/// <param name="cleanLogProbabilities">Log-probabilities [d_vocab] of a prompt's clean run at its answer position.</param>
public sealed class KullbackLeibler(Func<int, double[]> cleanLogProbabilities) : LogProbabilityMetric
{
    public override string Name => MetricWords.KullbackLeibler;

    protected override double Read(int prompt, ReadOnlySpan<double> logProbabilities)
    {
        var clean = cleanLogProbabilities(prompt);
        var sum = 0.0;
        for (var i = 0; i < clean.Length; i++)
        {
            // p log p = 0 at p = 0, where the plain product would be 0 · ∞.
            if (double.IsNegativeInfinity(clean[i])) continue;
            sum += Math.Exp(clean[i]) * (clean[i] - logProbabilities[i]);
        }
        return sum;
    }
}

/// <summary>Collects the log-probabilities that <see cref="KullbackLeibler"/> compares with.</summary>
internal sealed class LogProbabilityRecorder(double[]?[] kept) : LogProbabilityMetric
{
    public override string Name => "log-probabilities";

    protected override double Read(int prompt, ReadOnlySpan<double> logProbabilities)
    {
        kept[prompt] = logProbabilities.ToArray();
        return 0;
    }
}
