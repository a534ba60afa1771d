using InterpActors.Compute.Tasks;

namespace InterpActors.Compute.Metrics;

/// <summary>
/// 1 where the most likely token of the whole vocabulary is a right answer, else 0. Of equally likely tokens the lowest id counts.
/// </summary>
public sealed class Accuracy(IReadOnlyList<PromptPair> prompts) : LogProbabilityMetric
{
    public override string Name => MetricWords.Accuracy;

    protected override double Read(int prompt, ReadOnlySpan<double> logProbabilities)
    {
        var best = 0;
        for (var i = 0; i < logProbabilities.Length; i++)
        {
            if (double.IsNaN(logProbabilities[i])) return double.NaN;
            if (logProbabilities[i] > logProbabilities[best]) best = i;
        }
        return prompts[prompt].Answers.Contains(best) ? 1 : 0;
    }
}
