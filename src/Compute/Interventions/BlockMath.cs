using System.Collections.Concurrent;
using System.Numerics;
using InterpActors.Compute.Interventions.Kernels;
using InterpActors.Compute.Models;
using InterpActors.Compute.Weights;
using static TorchSharp.torch;

namespace InterpActors.Compute.Interventions;

/// <summary>The pieces of a block on the concatenated tokens of many rows, [tokens, width] each. Thread-safe.</summary>
internal sealed unsafe class BlockMath<T> : IDisposable where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly MatmulRoutes _routes;
    private readonly RotaryTables? _rotary;
    private readonly DeviceLinear? _device;
    private long _operations;

    /// <summary>By address of the weight; packed when first needed, since a sweep of late layers never touches the early ones.</summary>
    private readonly ConcurrentDictionary<nint, Lazy<PackedWeight<T>>> _packed = new();

    /// <param name="device">Computes linear layers elsewhere; null for the CPU. Disposed with this.</param>
    public BlockMath(ModelWeights weights, MatmulRoutes routes, DeviceLinear? device = null)
    {
        (Weights, _routes, _device) = (weights, routes, device);
        if (Config.Positions == PositionKind.Rotary) _rotary = new RotaryTables(Config.Rotary!, weights.Type);
    }

    public ModelWeights Weights { get; }

    /// <summary>Floating-point operations of all linear layers so far.</summary>
    public long Operations => Interlocked.Read(ref _operations);

    public ModelConfig Config => Weights.Config;
    public bool IsRotary => _rotary is not null;

    /// <summary>heads · d_head</summary>
    public int QueryWidth => Config.Heads * Config.HeadWidth;

    /// <summary>kv_heads · d_head</summary>
    public int KeyWidth => Config.KeyValueHeads * Config.HeadWidth;

    /// <summary>Torch threads of this worker, which the row kernels use too.</summary>
    public static void ForEach(int count, Action<int> body)
    {
        var threads = get_num_threads();
        if (threads <= 1 || count < 2)
            for (var i = 0; i < count; i++) body(i);
        else Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = threads }, body);
    }

    /// <summary>The norm of each token; <paramref name="x"/> itself where the model has none.</summary>
    /// <param name="notFinite">Called with the first token whose activation is not finite.</param>
    public Tensor Normalise(Tensor x, Tensor? weight, Tensor? bias, Action<int> notFinite)
    {
        if (Config.Norm == NormKind.None) return x;
        var (tokens, width) = ((int)x.shape[0], (int)x.shape[1]);
        var output = empty_like(x);
        var (from, to) = (TensorMemory.Address(x), TensorMemory.Address(output));
        var (w, b) = (TensorMemory.Address(weight), TensorMemory.Address(bias));
        var bad = int.MaxValue;
        const int grain = 64;
        ForEach((tokens + grain - 1) / grain, part =>
        {
            for (var t = part * grain; t < Math.Min(tokens, (part + 1) * grain); t++)
                if (!RowNorm<T>.Apply(Config.Norm, (T*)from + (long)t * width, (T*)to + (long)t * width, width, (T*)w, (T*)b,
                    Config.NormEpsilon))
                    InterlockedMin(ref bad, t);
        });
        if (bad != int.MaxValue) notFinite(bad);
        return output;
    }

    /// <summary>x · Wᵀ + b.</summary>
    public Tensor Linear(Tensor x, Tensor weight, Tensor? bias) => Linear(x, weight, bias, 0, (int)weight.shape[0]);

    /// <summary>Some rows of the q, k, v projection.</summary>
    public Tensor Project(Tensor x, int layer, int firstRow, int rows)
    {
        var block = Weights.Blocks[layer];
        return Linear(x, block.QueryKeyValue, block.QueryKeyValueBias, firstRow, rows);
    }

    private Tensor Linear(Tensor x, Tensor weight, Tensor? bias, int firstRow, int rows)
    {
        Interlocked.Add(ref _operations, 2 * x.shape[0] * x.shape[1] * rows);
        if (_device is not null) return _device.Apply(x, weight, bias, firstRow, rows);
        var route = _routes[weight.shape[0], weight.shape[1]];
        if (route != MatmulRoute.Packed)
            return LinearLayer.Apply(x, weight.narrow(0, firstRow, rows), bias?.narrow(0, firstRow, rows), route);
        var output = empty([x.shape[0], rows], x.dtype);
        Packed(weight).Multiply((T*)TensorMemory.Address(x), (int)x.shape[0], (T*)TensorMemory.Address(bias),
            (T*)TensorMemory.Address(output),
            firstRow, rows, get_num_threads());
        return output;
    }

    private PackedWeight<T> Packed(Tensor weight)
    {
        var address = TensorMemory.Address(weight);
        return _packed.GetOrAdd(address, at => new(() => new PackedWeight<T>((T*)at, (int)weight.shape[0], (int)weight.shape[1]))).Value;
    }

    /// <summary>The MLP's hidden activations [tokens, d_mlp] from normalised tokens.</summary>
    public Tensor Hidden(Tensor x, int layer)
    {
        var block = Weights.Blocks[layer];
        var pre = Linear(x, block.MlpIn!, block.MlpInBias);
        if (!Config.GatedMlp && !HiddenRow<T>.Supports(Config.Activation)) return HookedTransformer.Activate(Config.Activation, pre);
        var width = Config.MlpWidth;
        var post = Config.GatedMlp ? empty([pre.shape[0], width], pre.dtype) : pre;
        if (Config.GatedMlp && !HiddenRow<T>.Supports(Config.Activation))
            return HookedTransformer.Activate(Config.Activation, pre.narrow(1, 0, width)).mul_(pre.narrow(1, width, width)).contiguous();
        var (from, to, stride) = (TensorMemory.Address(pre), TensorMemory.Address(post), pre.shape[1]);
        ForEach((int)pre.shape[0], t =>
        {
            var row = (T*)from + t * stride;
            HiddenRow<T>.Activate(Config.Activation, row, Config.GatedMlp ? row + width : null, (T*)to + (long)t * width, width);
        });
        return post;
    }

    /// <summary>Rotates the heads of each token in place.</summary>
    public void Rotate(ReadOnlySpan<nint> tokens, ReadOnlySpan<int> positions, int heads)
    {
        if (_rotary is null || tokens.Length == 0) return;
        var last = 0;
        foreach (var position in positions) last = Math.Max(last, position);
        var tables = _rotary.For(last + 1);
        var cosines = (T*)TensorMemory.Address(tables.Cosines);
        var sines = (T*)TensorMemory.Address(tables.Sines);
        for (var t = 0; t < tokens.Length; t++)
        {
            var at = (long)positions[t] * _rotary.Half;
            RowArithmetic<T>.Rotate((T*)tokens[t], heads, Config.HeadWidth, cosines + at, sines + at, _rotary.Half);
        }
    }

    public int Window(int layer) => Config.SlidingWindows.Count > layer ? Config.SlidingWindows[layer] ?? 0 : 0;

    public RaggedAttention<T> Attention(int layer) =>
        new(Config.Heads, Config.KeyValueHeads, Config.HeadWidth, Config.AttentionScale, Window(layer));

    /// <inheritdoc/>
    public void Dispose()
    {
        _rotary?.Dispose();
        _device?.Dispose();
        foreach (var packed in _packed.Values.Where(p => p.IsValueCreated)) packed.Value.Dispose();
    }

    private static void InterlockedMin(ref int target, int value)
    {
        int seen;
        while ((seen = Volatile.Read(ref target)) > value && Interlocked.CompareExchange(ref target, value, seen) != seen) { }
    }
}
