using InterpActors.Compute.Metrics;
using InterpActors.Compute.Tasks;
using static TorchSharp.torch;

namespace InterpActors.Compute.Methods.HeadMetrics;

/// <summary>Errors of a prompt (larger is worse), each a metric of the project turned the right way.</summary>
internal static class ErrorMetrics
{
    private const string ErrorRate = "error-rate";
    private const string NegativeLogitDifference = "negative-logit-difference";

    public static IReadOnlyList<string> Words { get; } =
        [MetricWords.NegativeLogLikelihood, MetricWords.KullbackLeibler, ErrorRate, NegativeLogitDifference];

    /// <summary>The metric that an error is made from.</summary>
    public static string MetricOf(string error) => error switch
    {
        ErrorRate => MetricWords.Accuracy,
        NegativeLogitDifference => MetricWords.LogitDifference,
        _ => error,
    };

    public static MetricReader Create(string error, TaskData task, Func<int, double[]> cleanLogProbabilities)
    {
        var metric = MetricReaders.Create(MetricOf(error), task, cleanLogProbabilities);
        return error switch
        {
            ErrorRate => new Turned(error, metric, 1),
            NegativeLogitDifference => new Turned(error, metric, 0),
            _ => metric,
        };
    }

    /// <summary><paramref name="offset"/> minus a metric.</summary>
    private sealed class Turned(string name, MetricReader metric, double offset) : MetricReader
    {
        public override string Name => name;
        public override bool NeedsAllLogits => metric.NeedsAllLogits;
        public override int[] Columns(int prompt) => metric.Columns(prompt);
        public override double FromColumns(int prompt, ReadOnlySpan<double> logits) => offset - metric.FromColumns(prompt, logits);
        public override double[] FromLogits(IReadOnlyList<int> prompts, Tensor logits) =>
            [.. metric.FromLogits(prompts, logits).Select(v => offset - v)];
    }
}
