using static TorchSharp.torch;

namespace InterpActors.Compute.Metrics;

/// <summary>
/// Reads a metric from logits at a prompt's answer position. A metric that needs only a few columns of the unembedding says so, and
/// the engine then computes no others.
/// </summary>
public abstract class MetricReader
{
    /// <summary>The contract's word: logit-difference, probability, …</summary>
    public abstract string Name { get; }

    /// <summary>True where the metric needs the logits of the whole vocabulary.</summary>
    public abstract bool NeedsAllLogits { get; }

    /// <summary>The vocabulary ids whose logits suffice for a prompt. Only called where <see cref="NeedsAllLogits"/> is false.</summary>
    public abstract int[] Columns(int prompt);

    /// <summary>The metric from the logits of <see cref="Columns"/>, in their order.</summary>
    public abstract double FromColumns(int prompt, ReadOnlySpan<double> logits);

    /// <summary>The metric of each row from all logits. Each row's value depends on its own logits only.</summary>
    /// <param name="prompts">Which prompt each row belongs to.</param>
    /// <param name="logits">[rows, d_vocab] in the model's dtype.</param>
    public abstract double[] FromLogits(IReadOnlyList<int> prompts, Tensor logits);
}
