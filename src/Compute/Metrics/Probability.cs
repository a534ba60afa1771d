using InterpActors.Compute.Tasks;

namespace InterpActors.Compute.Metrics;

/// <summary>Probability of the right answers, summed where there are several.</summary>
public sealed class Probability(IReadOnlyList<PromptPair> prompts) : LogProbabilityMetric
{
    public override string Name => MetricWords.Probability;

    protected override double Read(int prompt, ReadOnlySpan<double> logProbabilities) =>
        LogRows.Mass(logProbabilities, prompts[prompt].Answers);
}
