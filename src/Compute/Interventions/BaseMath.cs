using System.Numerics;
using InterpActors.Compute.Metrics;
using InterpActors.Compute.Models;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Work;
using static TorchSharp.torch;

namespace InterpActors.Compute.Interventions;

/// <summary>Runs prompts without intervention and derives from what was kept.</summary>
internal sealed unsafe class BaseMath<T>(BlockMath<T> math, AnswerReader<T> answers) : IBaseMath
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public ModelConfig Config => math.Config;

    /// <summary>The base run of some prompts.</summary>
    public BaseRun Run(IReadOnlyList<int[]> prompts, IReadOnlyList<int> answerPositions, IReadOnlyCollection<Component> keep)
    {
        var run = new BaseRun(this, prompts, answerPositions);
        var kept = new Dictionary<(BaseTensor, int), Tensor[]>();
        try
        {
            var kinds = Kinds(keep).ToHashSet();
            for (var segment = 0; segment < run.SegmentCount; segment++)
                RunSegment(run, segment, (kind, layer, tensor) =>
                {
                    if (!kinds.Contains(kind)) return false;
                    if (!kept.TryGetValue((kind, layer), out var segments)) kept[(kind, layer)] = segments = new Tensor[run.SegmentCount];
                    segments[segment] = tensor.alias().DetachFromDisposeScope();
                    return false;
                });
            foreach (var ((kind, layer), segments) in kept) run.Keep(kind, layer, segments);
            if (keep.Contains(Component.Pattern))
                for (var layer = 0; layer < Config.Layers; layer++)
                    for (var p = 0; p < prompts.Count; p++) run.Pattern(layer, p);
            return run;
        }
        catch
        {
            run.Dispose();
            foreach (var tensor in kept.Values.SelectMany(s => s)) tensor?.Dispose();
            throw;
        }
    }

    /// <summary>One component of all tokens, [tokens, width]; layers behind it are not computed.</summary>
    public Tensor Activations(IReadOnlyList<int[]> prompts, Component component, int layer)
    {
        using var scope = NewDisposeScope();
        using var run = new BaseRun(this, prompts, [.. prompts.Select(_ => 0)]);
        var (wanted, at, column, width) = run.Place(component, layer);
        var rows = empty([prompts.Sum(p => p.Length), width], math.Weights.Type);
        long done = 0;
        for (var segment = 0; segment < run.SegmentCount; segment++)
            RunSegment(run, segment, (kind, here, tensor) =>
            {
                if (kind != wanted || here != at) return false;
                rows.narrow(0, done, tensor.shape[0]).copy_(tensor.narrow(1, column, width));
                done += tensor.shape[0];
                return true;
            });
        return rows.MoveToOuterDisposeScope();
    }

    private IEnumerable<BaseTensor> Kinds(IReadOnlyCollection<Component> keep)
    {
        IEnumerable<BaseTensor> kinds = [BaseTensor.Residual, BaseTensor.QueryKeyValue, BaseTensor.Z];
        if (keep.Contains(Component.AttnOut)) kinds = kinds.Append(BaseTensor.AttnOut);
        if (math.IsRotary && (keep.Contains(Component.Q) || keep.Contains(Component.K))) kinds = kinds.Append(BaseTensor.Unrotated);
        if (!Config.HasMlp) return kinds;
        if (keep.Contains(Component.ResidMid)) kinds = kinds.Append(BaseTensor.ResidMid);
        if (keep.Contains(Component.MlpPost)) kinds = kinds.Append(BaseTensor.MlpPost);
        return keep.Contains(Component.MlpOut) ? kinds.Append(BaseTensor.MlpOut) : kinds;
    }

    /// <param name="keep">Sees every tensor as it is made; true where nothing further is wanted.</param>
    private void RunSegment(BaseRun run, int segment, Func<BaseTensor, int, Tensor, bool> keep)
    {
        using var scope = NewDisposeScope();
        int[] prompts = [.. run.PromptsOf(segment)];
        var x = Embed(prompts.SelectMany(p => run.Prompts[p]), prompts.SelectMany(p => Enumerable.Range(0, run.Prompts[p].Length)));
        for (var layer = 0; layer < Config.Layers; layer++)
        {
            using var inner = NewDisposeScope();
            var block = math.Weights.Blocks[layer];
            if (keep(BaseTensor.Residual, layer, x)) return;
            var qkv = Unrotated(x, layer, segment);
            if (keep(BaseTensor.Unrotated, layer, math.IsRotary ? qkv.clone() : qkv)) return;
            Rotate(run, prompts, qkv);
            if (keep(BaseTensor.QueryKeyValue, layer, qkv)) return;
            var z = Attend(run, prompts, qkv, layer);
            if (keep(BaseTensor.Z, layer, z)) return;
            var attention = math.Linear(z, block.Output, block.OutputBias);
            if (keep(BaseTensor.AttnOut, layer, attention)) return;
            var mid = x + attention;
            if (Config.HasMlp)
            {
                if (keep(BaseTensor.ResidMid, layer, mid)) return;
                var hidden = Hidden(mid, layer, segment);
                if (keep(BaseTensor.MlpPost, layer, hidden)) return;
                var mlp = math.Linear(hidden, block.MlpOut!, block.MlpOutBias);
                if (keep(BaseTensor.MlpOut, layer, mlp)) return;
                mid = mid + mlp;
            }
            x = mid.MoveToOuterDisposeScope();
        }
        keep(BaseTensor.Residual, Config.Layers, x);
    }

    public Tensor Derive(BaseRun run, BaseTensor kind, int layer, int segment)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var block = math.Weights.Blocks[Math.Min(layer, Config.Layers - 1)];
        Tensor Held(BaseTensor other) => run.Tensors(other, layer)[segment];
        return (kind switch
        {
            BaseTensor.Unrotated => math.IsRotary ? Unrotated(Held(BaseTensor.Residual), layer, segment)
                : Held(BaseTensor.QueryKeyValue).alias(),
            BaseTensor.AttnOut => math.Linear(Held(BaseTensor.Z), block.Output, block.OutputBias),
            BaseTensor.ResidMid => Held(BaseTensor.Residual) + Held(BaseTensor.AttnOut),
            BaseTensor.MlpPost => Hidden(Held(BaseTensor.ResidMid), layer, segment),
            BaseTensor.MlpOut => math.Linear(Held(BaseTensor.MlpPost), block.MlpOut!, block.MlpOutBias),
            _ => throw new InvalidOperationException($"the base run holds no {kind} of layer {layer}"),
        }).DetachFromDisposeScope();
    }

    public Tensor Pattern(BaseRun run, int layer, int prompt)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var length = run.Prompts[prompt].Length;
        var output = zeros([Config.Heads, length, length], math.Weights.Type);
        nint[] Column(int column)
        {
            var rows = run.Rows(BaseTensor.QueryKeyValue, layer, column);
            return [.. Enumerable.Range(0, length).Select(t => rows.At(prompt, t))];
        }
        math.Attention(layer).Pattern(Column(0), Column(math.QueryWidth), Column(math.QueryWidth + math.KeyWidth), length,
            (T*)TensorMemory.Address(output));
        return output.DetachFromDisposeScope();
    }

    public double[] Readings(BaseRun run, MetricReader metric)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var last = run.Rows(BaseTensor.Residual, Config.Layers);
        var tokens = new TokenRows.Builder(run.Prompts.Count);
        for (var p = 0; p < run.Prompts.Count; p++)
        {
            tokens.Add(run.AnswerPositions[p], last.At(p, run.AnswerPositions[p]));
            tokens.EndRow();
        }
        var prompts = Enumerable.Range(0, run.Prompts.Count).ToArray();
        return answers.Read(metric, prompts, tokens.Build().Pack(Config.ModelWidth, math.Weights.Type), p =>
            throw NotFinite($"prompt {p}", "the last layer"));
    }

    private Tensor Embed(IEnumerable<int> tokens, IEnumerable<int> positions)
    {
        var x = math.Weights.Embedding.index_select(0, tensor(tokens.Select(t => (long)t).ToArray()));
        return math.Weights.PositionEmbedding is { } p ? x + p.index_select(0, tensor(positions.Select(t => (long)t).ToArray())) : x;
    }

    private Tensor Unrotated(Tensor x, int layer, int segment)
    {
        var block = math.Weights.Blocks[layer];
        var normalised = math.Normalise(x, block.NormAttention, block.NormAttentionBias, t =>
            throw NotFinite($"token {t} of segment {segment}", $"layer {layer}"));
        return math.Linear(normalised, block.QueryKeyValue, block.QueryKeyValueBias);
    }

    private Tensor Hidden(Tensor mid, int layer, int segment)
    {
        var block = math.Weights.Blocks[layer];
        var normalised = math.Normalise(mid, block.NormMlp, block.NormMlpBias, t =>
            throw NotFinite($"token {t} of segment {segment}", $"layer {layer}"));
        return math.Hidden(normalised, layer);
    }

    private void Rotate(BaseRun run, int[] prompts, Tensor qkv)
    {
        if (!math.IsRotary) return;
        var (address, stride) = (TensorMemory.Address(qkv), (nint)(qkv.shape[1] * qkv.element_size()));
        BlockMath<T>.ForEach(prompts.Length, i =>
        {
            var positions = Enumerable.Range(0, run.Prompts[prompts[i]].Length).ToArray();
            var tokens = Array.ConvertAll(positions, t => address + (run.PromptOffset[prompts[i]] + t) * stride);
            math.Rotate(tokens, positions, Config.Heads + Config.KeyValueHeads);
        });
    }

    private Tensor Attend(BaseRun run, int[] prompts, Tensor qkv, int layer)
    {
        var z = empty([qkv.shape[0], math.QueryWidth], qkv.dtype);
        var (from, fromStride) = (TensorMemory.Address(qkv), (nint)(qkv.shape[1] * qkv.element_size()));
        var (to, toStride) = (TensorMemory.Address(z), (nint)(z.shape[1] * z.element_size()));
        var (key, value) = (math.QueryWidth * sizeof(T), (math.QueryWidth + math.KeyWidth) * sizeof(T));
        BlockMath<T>.ForEach(prompts.Length, i =>
        {
            var (first, length) = (run.PromptOffset[prompts[i]], run.Prompts[prompts[i]].Length);
            nint[] Addresses(nint start, nint stride) => [.. Enumerable.Range(first, length).Select(t => start + t * stride)];
            math.Attention(layer).Run([.. Enumerable.Range(0, length)], Addresses(from, fromStride), Addresses(from + key, fromStride),
                Addresses(from + value, fromStride), length, Addresses(to, toStride), 0, 0, null);
        });
        return z;
    }

    private static UnitException NotFinite(string what, string where) =>
        new(UnitFailureKind.Permanent, $"the base run of {what} is not finite at {where}: it overflows the run's dtype");
}
