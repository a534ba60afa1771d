using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using InterpActors.Compute.Metrics;
using InterpActors.Compute.Models;
using InterpActors.Compute.Weights;
using static TorchSharp.torch;

namespace InterpActors.Compute.Interventions;

/// <summary>What a base run can hold of a layer, for all prompts, tokens one after another.</summary>
internal enum BaseTensor
{
    /// <summary>The residual stream before the layer, [tokens, d_model]; layer = Layers: after the last one.</summary>
    Residual,

    /// <summary>q and k after rotary, v: [tokens, (heads + 2 kv_heads) · d_head].</summary>
    QueryKeyValue,

    /// <summary>The same before rotary.</summary>
    Unrotated,

    /// <summary>[tokens, heads · d_head]</summary>
    Z,
    AttnOut, ResidMid, MlpPost, MlpOut,
}

/// <summary>Addresses of one base tensor's tokens.</summary>
internal sealed class BaseRows(nint[] prompts, long stride, long column)
{
    /// <summary>The address of a prompt's token.</summary>
    public nint At(int prompt, int position) => prompts[prompt] + (nint)(position * stride + column);
}

/// <summary>
/// The cached forward of some prompts without any intervention. Read-only and thread-safe; long-lived until disposed.
/// </summary>
/// <remarks>
/// Kept always, per token and layer: the residual stream, q, k, v (after rotary) and z, (d_model + (2 heads + 2 kv_heads) · d_head)
/// elements: 184 KB a token for GPT-2 small in fp32. Everything else is recomputed from these when first asked for, by the operations of
/// the base run in its own batch composition, hence with the same bits, and then kept too; <c>keep</c> of
/// <see cref="InterventionEngine.RunBase"/> keeps it from the start.
/// </remarks>
public sealed class BaseRun : IDisposable
{
    private readonly ConcurrentDictionary<(BaseTensor, int), Lazy<Tensor[]>> _tensors = new();
    private readonly ConcurrentDictionary<(BaseTensor, int, long), BaseRows> _rows = new();
    private readonly ConcurrentDictionary<(int Layer, int Prompt), Lazy<Tensor>> _patterns = new();
    private readonly ConditionalWeakTable<MetricReader, Lazy<double[]>> _readings = [];
    private readonly IBaseMath _math;
    private bool _disposed;

    internal BaseRun(IBaseMath math, IReadOnlyList<int[]> prompts, IReadOnlyList<int> answers)
    {
        (_math, Prompts, AnswerPositions) = (math, [.. prompts.Select(p => p.ToArray())], [.. answers]);
        (PromptSegment, PromptOffset) = (new int[prompts.Count], new int[prompts.Count]);
        var tokens = new List<int>();
        for (var p = 0; p < prompts.Count; p++)
        {
            // Segments are a constant of the prompts, so that runs of equally long prompts are composed alike and their bits compare.
            if (tokens.Count == 0 || tokens[^1] + prompts[p].Length > SegmentTokens) tokens.Add(0);
            (PromptSegment[p], PromptOffset[p]) = (tokens.Count - 1, tokens[^1]);
            tokens[^1] += prompts[p].Length;
        }
        SegmentCount = tokens.Count;
    }

    /// <summary>Prompts are run together up to so many tokens.</summary>
    internal const int SegmentTokens = 1024;

    /// <summary>Token ids of each prompt.</summary>
    public IReadOnlyList<int[]> Prompts { get; }

    /// <summary>Where the metric of each prompt is read.</summary>
    public IReadOnlyList<int> AnswerPositions { get; }

    /// <summary>Bytes of cached activations now.</summary>
    public long Bytes => _tensors.Values.Where(t => t.IsValueCreated).SelectMany(t => t.Value)
        .Concat(_patterns.Values.Where(p => p.IsValueCreated).Select(p => p.Value)).Sum(t => t.numel() * t.element_size());

    internal int[] PromptSegment { get; }
    internal int[] PromptOffset { get; }
    internal int SegmentCount { get; }

    /// <summary>Prompts of a segment.</summary>
    internal IEnumerable<int> PromptsOf(int segment) => Enumerable.Range(0, Prompts.Count).Where(p => PromptSegment[p] == segment);

    /// <summary>
    /// An activation of a prompt: [pos, width] (width d_model, d_mlp, heads · d_head or kv_heads · d_head), a pattern [heads, query, key].
    /// A view in the caller's dispose scope, not always contiguous; never write into it. q and k are taken before rotary.
    /// </summary>
    /// <exception cref="ArgumentException">The model has no such component.</exception>
    public Tensor Activation(Component component, int layer, int prompt)
    {
        if (component == Component.Pattern) return Pattern(layer, prompt).alias();
        var (tensor, at, column, width) = Place(component, layer);
        return Tensors(tensor, at)[PromptSegment[prompt]].narrow(0, PromptOffset[prompt], Prompts[prompt].Length).narrow(1, column, width);
    }

    /// <summary>The metric of every prompt.</summary>
    public double[] Readings(MetricReader metric) => (double[])SharedReadings(metric).Clone();

    internal double[] SharedReadings(MetricReader metric) =>
        _readings.GetValue(metric, m => new(() => _math.Readings(this, m))).Value;

    internal BaseRows Rows(Component component, int layer)
    {
        var (tensor, at, column, _) = Place(component, layer);
        return Rows(tensor, at, column);
    }

    internal BaseRows Rows(BaseTensor kind, int layer, long column = 0) =>
        _rows.GetOrAdd((kind, layer, column), key => Locate(key.Item1, key.Item2, key.Item3));

    private BaseRows Locate(BaseTensor kind, int layer, long column)
    {
        var tensors = Tensors(kind, layer);
        var (stride, size) = (tensors[0].shape[1] * tensors[0].element_size(), tensors[0].element_size());
        var starts = Array.ConvertAll(tensors, TensorMemory.Address);
        var prompts = new nint[Prompts.Count];
        for (var p = 0; p < prompts.Length; p++) prompts[p] = starts[PromptSegment[p]] + (nint)(PromptOffset[p] * stride);
        return new BaseRows(prompts, stride, column * size);
    }

    /// <summary>[heads, query, key] of a prompt.</summary>
    internal Tensor Pattern(int layer, int prompt) =>
        _patterns.GetOrAdd((layer, prompt), key => new(() => _math.Pattern(this, key.Layer, key.Prompt))).Value;

    /// <summary>One tensor per segment.</summary>
    internal Tensor[] Tensors(BaseTensor kind, int layer) =>
        _tensors.GetOrAdd((kind, layer), key =>
            new(() => [.. Enumerable.Range(0, SegmentCount).Select(s => _math.Derive(this, key.Item1, key.Item2, s))])).Value;

    internal void Keep(BaseTensor kind, int layer, Tensor[] segments) => _tensors[(kind, layer)] = new(segments);

    /// <summary>The base tensor that holds a component, and its columns in there.</summary>
    internal (BaseTensor Tensor, int Layer, long Column, long Width) Place(Component component, int layer)
    {
        var c = _math.Config;
        if (!c.HasMlp && component is Component.ResidMid or Component.MlpOut or Component.MlpPost)
            throw new ArgumentException($"an attention-only model has no {component.Word()}", nameof(component));
        long queries = c.Heads * c.HeadWidth, keys = c.KeyValueHeads * c.HeadWidth;
        var projections = c.Positions == PositionKind.Rotary && component is Component.Q or Component.K ? BaseTensor.Unrotated
            : BaseTensor.QueryKeyValue;
        return component switch
        {
            Component.ResidPre => (BaseTensor.Residual, layer, 0, c.ModelWidth),
            Component.ResidPost => (BaseTensor.Residual, layer + 1, 0, c.ModelWidth),
            Component.Q => (projections, layer, 0, queries),
            Component.K => (projections, layer, queries, keys),
            Component.V => (BaseTensor.QueryKeyValue, layer, queries + keys, keys),
            Component.Z => (BaseTensor.Z, layer, 0, queries),
            Component.AttnOut => (BaseTensor.AttnOut, layer, 0, c.ModelWidth),
            Component.ResidMid => (BaseTensor.ResidMid, layer, 0, c.ModelWidth),
            Component.MlpPost => (BaseTensor.MlpPost, layer, 0, c.MlpWidth),
            Component.MlpOut => (BaseTensor.MlpOut, layer, 0, c.ModelWidth),
            _ => throw new ArgumentOutOfRangeException(nameof(component)),
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        foreach (var tensor in _tensors.Values.Where(t => t.IsValueCreated).SelectMany(t => t.Value)) tensor.Dispose();
        foreach (var pattern in _patterns.Values.Where(p => p.IsValueCreated)) pattern.Value.Dispose();
    }
}

/// <summary>Computes what a base run does not hold. Results are detached from any dispose scope.</summary>
internal interface IBaseMath
{
    ModelConfig Config { get; }
    Tensor Derive(BaseRun run, BaseTensor kind, int layer, int segment);
    Tensor Pattern(BaseRun run, int layer, int prompt);
    double[] Readings(BaseRun run, MetricReader metric);
}
