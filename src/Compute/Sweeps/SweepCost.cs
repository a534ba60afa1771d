using InterpActors.Compute.Models;
using InterpActors.Compute.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Sweeps;

/// <summary>
/// How much a sweep's cells cost, by arithmetic alone: the cut into units must be the same on every machine, so nothing here is timed.
/// </summary>
public sealed class SweepCost
{
    // About a quarter of a second on one core of today's machines.
    private const double UnitFlops = 2e10;

    // Fewer tokens than this leave matrix multiplications far below their peak.
    private const double UnitTokens = 256;

    // Rows (a cell of a prompt) are objects: more of them in one unit would only cost memory.
    private const double UnitRows = 16384;

    private readonly StudyContext _study;
    private readonly double _flopsPerTokenLayer;

    public SweepCost(StudyContext study)
    {
        _study = study;
        var c = study.Model.Config;
        var attention = (double)c.ModelWidth * c.HeadWidth * (2.0 * c.Heads + 2.0 * c.KeyValueHeads);
        var mlp = (c.GatedMlp ? 3.0 : 2.0) * c.ModelWidth * c.MlpWidth;
        _flopsPerTokenLayer = 2 * (attention + mlp);
        Shards = CutPrompts();
    }

    /// <summary>
    /// The prompts in contiguous ranges (first, count) whose base runs fit in memory together; a cell's prompts are computed shard by
    /// shard. One shard unless the task is large.
    /// </summary>
    public IReadOnlyList<(int First, int Count)> Shards { get; }

    /// <summary>Full forwards of the whole task, clean and corrupted.</summary>
    public double BaselineFlops => _study.Task.Prompts.Sum(p => (double)p.Clean.Length)
        * _study.Model.Config.Layers * _flopsPerTokenLayer * (_study.HasCorrupted ? 2 : 1);

    /// <summary>Peak bytes of one process: weights, base-run caches of one shard, activations of a chunk.</summary>
    public long MemoryBytes => WeightBytes + Shards.Max(s => ShardCacheBytes(s.First, s.Count)) + (256L << 20);

    /// <summary>Tokens that differ from the base run, at most, over all prompts of a cell: the mean over the block's places.</summary>
    public double TokensPerCell(SweepBlock block)
    {
        // Many places differ only in their position: a sample of them has the same mean to within what matters here.
        var step = Math.Max(1, block.Places.Count / 64);
        double sum = 0, count = 0;
        for (var i = 0; i < block.Places.Count; i += step, count++)
            foreach (var prompt in _study.Task.Prompts) sum += prompt.Clean.Length - block.Places[i].First(prompt);
        return sum / count;
    }

    /// <summary>Operations of one cell over all prompts.</summary>
    public double FlopsPerCell(SweepBlock block)
    {
        var c = _study.Model.Config;
        var head = 2.0 * c.ModelWidth * c.Vocabulary * _study.PromptCount;
        return TokensPerCell(block) * (c.Layers - block.Layer) * _flopsPerTokenLayer
            + (_study.Metric.Kind == Metrics.MetricWords.LogitDifference ? 0 : head);
    }

    /// <summary>How many cells of a block make one unit.</summary>
    public long CellsPerUnit(SweepBlock block)
    {
        var target = _study.Model.Type == ScalarType.Float64 ? UnitFlops / 2 : UnitFlops;
        var byWork = target / (FlopsPerCell(block) / Shards.Count);
        var byTokens = Math.Ceiling(UnitTokens / (TokensPerCell(block) / Shards.Count));
        var byRows = UnitRows / _study.PromptCount * Shards.Count;
        return (long)Math.Clamp(Math.Min(Math.Max(byWork, byTokens), byRows), 1, 4096);
    }

    private long WeightBytes
    {
        get
        {
            var c = _study.Model.Config;
            // The engine keeps a second copy of every matrix, laid out for its matmul; of the unembedding where all logits are read.
            var unembeddings = _study.Metric.Kind == Metrics.MetricWords.LogitDifference ? 1 : 2;
            var embeddings = (double)c.ModelWidth
                * ((1.0 + unembeddings) * c.Vocabulary + (c.Positions == PositionKind.Learned ? c.ContextLength : 0));
            return (long)((c.Layers * _flopsPerTokenLayer + embeddings) * ElementBytes);
        }
    }

    private int ElementBytes => _study.Model.Type == ScalarType.Float64 ? 8 : 4;

    private long ShardCacheBytes(int first, int count)
    {
        var sum = 0L;
        for (var i = first; i < first + count; i++) sum += CacheBytes(_study.Task.Prompts[i].Clean.Length);
        return sum;
    }

    private long CacheBytes(int tokens)
    {
        var c = _study.Model.Config;
        var perToken = 5L * c.ModelWidth + (2L * c.Heads + 2L * c.KeyValueHeads) * c.HeadWidth + c.MlpWidth + (long)c.Heads * tokens;
        return perToken * tokens * c.Layers * ElementBytes * (_study.HasCorrupted ? 2 : 1);
    }

    private List<(int First, int Count)> CutPrompts()
    {
        var shards = new List<(int, int)>();
        var first = 0;
        long bytes = 0;
        for (var i = 0; i < _study.PromptCount; i++)
        {
            var own = CacheBytes(_study.Task.Prompts[i].Clean.Length);
            if (i > first && bytes + own > _study.ShardBytes)
            {
                shards.Add((first, i - first));
                (first, bytes) = (i, 0);
            }
            bytes += own;
        }
        shards.Add((first, _study.PromptCount - first));
        return shards;
    }
}
