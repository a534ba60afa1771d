using InterpActors.Compute.Tasks;

namespace InterpActors.Compute.Metrics;

/// <summary>Makes the reader of a metric kind.</summary>
public static class MetricReaders
{
    /// <param name="cleanLogProbabilities">Only called by KL: the clean run's log-probabilities of a prompt.</param>
    public static MetricReader Create(string kind, TaskData task, Func<int, double[]> cleanLogProbabilities) => kind switch
    {
        MetricWords.LogitDifference => new LogitDifference(task.Prompts),
        MetricWords.Probability => new Probability(task.Prompts),
        MetricWords.ProbabilityDifference => new ProbabilityDifference(task.Prompts),
        MetricWords.KullbackLeibler => new KullbackLeibler(cleanLogProbabilities),
        MetricWords.NegativeLogLikelihood => new NegativeLogLikelihood(task.Prompts),
        MetricWords.Accuracy => new Accuracy(task.Prompts),
        _ => throw new ArgumentException($"no metric is called '{kind}'", nameof(kind)),
    };
}
