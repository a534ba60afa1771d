using InterpActors.Compute.Studies;
using InterpActors.Compute.Weights;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Data;

/// <summary>Batches of harvested shards.</summary>
internal sealed class HarvestBatches : ActivationBatches
{
    private readonly HarvestPlan _plan;
    private readonly ShardStore _store;
    private readonly StudySession _session;
    private readonly Lazy<RowOrder> _order;
    private readonly string?[] _keys;

    /// <param name="session">Of the study; outlives this.</param>
    /// <param name="order">Makes the order from the rows of each shard.</param>
    public HarvestBatches(HarvestPlan plan, ShardStore store, StudySession session, Func<IReadOnlyList<long>, RowOrder> order, int batch)
    {
        (_plan, _store, _session, Rows, _keys) = (plan, store, session, batch, new string?[plan.Shards]);
        _order = new Lazy<RowOrder>(() => order(plan.MaxNorm > 0 ? CountRows() : plan.KeptRows));
    }

    /// <inheritdoc/>
    public override int Width => _plan.Site.Width;

    /// <inheritdoc/>
    public override int Rows { get; }

    /// <inheritdoc/>
    public override unsafe Tensor Batch(long index, ScalarType type, CancellationToken cancellation)
    {
        var places = new RowPlace[Rows];
        _order.Value.Batch(index, places);
        var stored = _session.Context.Model.Type;
        var size = Width * (stored == ScalarType.Float64 ? 8 : 4);
        var batch = empty([Rows, Width], stored);
        var bytes = (byte*)TensorMemory.Address(batch);
        // Row by row within a shard, so that each is taken once.
        foreach (var rows in Enumerable.Range(0, Rows).GroupBy(i => places[i].Shard))
        {
            using var lease = Shard(rows.Key, cancellation);
            foreach (var i in rows) lease.Value.Row(places[i].Row).CopyTo(new Span<byte>(bytes + (long)i * size, size));
        }
        return type == stored ? batch : batch.to_type(type, disposeAfter: true);
    }

    /// <summary>How many rows a bound on norms leaves, only the activations tell.</summary>
    private long[] CountRows()
    {
        var counts = new long[_plan.Shards];
        for (var s = 0; s < counts.Length; s++)
        {
            using var lease = Shard(s, CancellationToken.None);
            counts[s] = lease.Value.Rows;
        }
        return counts;
    }

    /// <summary>A shard, computed if it is not there.</summary>
    public LeaseCache<string, ActivationShard>.Lease Shard(int shard, CancellationToken cancellation) =>
        _store.Take(_plan, shard, _keys[shard] ??= _plan.Key(shard, _session.Study.Execution), _session, cancellation);
}
