using InterpActors.Compute.Tasks;

namespace InterpActors.Compute.Metrics;

/// <summary>Probability of the right answers minus probability of the wrong ones, each summed where there are several.</summary>
public sealed class ProbabilityDifference(IReadOnlyList<PromptPair> prompts) : LogProbabilityMetric
{
    public override string Name => MetricWords.ProbabilityDifference;

    protected override double Read(int prompt, ReadOnlySpan<double> logProbabilities) =>
        LogRows.Mass(logProbabilities, prompts[prompt].Answers) - LogRows.Mass(logProbabilities, prompts[prompt].Wrong);
}
