using static TorchSharp.torch;

namespace InterpActors.Compute.Metrics;

/// <summary>A metric of each prompt's log-probabilities over the whole vocabulary.</summary>
public abstract class LogProbabilityMetric : MetricReader
{
    /// <inheritdoc/>
    public sealed override bool NeedsAllLogits => true;

    /// <inheritdoc/>
    public sealed override int[] Columns(int prompt) => throw new InvalidOperationException($"{Name} needs all logits");

    /// <inheritdoc/>
    public sealed override double FromColumns(int prompt, ReadOnlySpan<double> logits) =>
        throw new InvalidOperationException($"{Name} needs all logits");

    /// <inheritdoc/>
    public sealed override double[] FromLogits(IReadOnlyList<int> prompts, Tensor logits)
    {
        var values = new double[prompts.Count];
        LogRows.ForEach(logits, (row, logs) => values[row] = Read(prompts[row], logs));
        return values;
    }

    /// <summary>The metric of one prompt from its log-probabilities [d_vocab].</summary>
    protected abstract double Read(int prompt, ReadOnlySpan<double> logProbabilities);
}
