using InterpActors.Compute.Tasks;

namespace InterpActors.Compute.Metrics;

/// <summary>Minus the natural logarithm of the probability of the right answers.</summary>
public sealed class NegativeLogLikelihood(IReadOnlyList<PromptPair> prompts) : LogProbabilityMetric
{
    public override string Name => MetricWords.NegativeLogLikelihood;

    protected override double Read(int prompt, ReadOnlySpan<double> logProbabilities)
    {
        var answers = prompts[prompt].Answers;
        // One answer needs no exponential, which would lose answers below e^-745.
        return answers.Length == 1 ? -logProbabilities[answers[0]] : -Math.Log(LogRows.Mass(logProbabilities, answers));
    }
}
