using InterpActors.Compute.Metrics;
using InterpActors.Compute.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Interventions;

/// <summary>The cached forward of some prompts without any intervention. Read-only and thread-safe; long-lived until disposed.</summary>
public sealed class BaseRun : IDisposable
{
    private readonly Dictionary<(Component, int, int), Tensor> _activations;
    private readonly Tensor[] _logits;

    internal BaseRun(IReadOnlyList<int[]> prompts, IReadOnlyList<int> answers, Dictionary<(Component, int, int), Tensor> activations, Tensor[] logits)
    {
        (Prompts, AnswerPositions, _activations, _logits) = (prompts, answers, activations, logits);
    }

    /// <summary>Token ids of each prompt.</summary>
    public IReadOnlyList<int[]> Prompts { get; }

    /// <summary>Where the metric of each prompt is read.</summary>
    public IReadOnlyList<int> AnswerPositions { get; }

    /// <summary>Bytes of cached activations.</summary>
    public long Bytes => _activations.Values.Sum(t => t.numel() * t.element_size());

    /// <summary>
    /// An activation of a prompt: [pos, width] (width d_model, d_mlp, heads · d_head or kv_heads · d_head), a pattern [heads, query, key].
    /// A view or a copy in the caller's dispose scope; never write into it.
    /// </summary>
    public Tensor Activation(Component component, int layer, int prompt) => _activations[(component, layer, prompt)].alias();

    /// <summary>The metric of every prompt.</summary>
    public double[] Readings(MetricReader metric)
    {
        var readings = new double[Prompts.Count];
        for (var p = 0; p < readings.Length; p++) readings[p] = Read(metric, p, _logits[p]);
        return readings;
    }

    internal static double Read(MetricReader metric, int prompt, Tensor logits)
    {
        if (metric.NeedsAllLogits) return metric.FromLogits([prompt], logits.unsqueeze(0))[0];
        return metric.FromColumns(prompt, [.. metric.Columns(prompt).Select(c => logits[c].ToDouble())]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in _activations.Values.Concat(_logits)) tensor.Dispose();
    }
}
