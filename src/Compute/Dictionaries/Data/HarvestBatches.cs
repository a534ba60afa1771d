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
    public override ScalarType Type => _session.Context.Model.Type;

    /// <inheritdoc/>
    public override unsafe void Fill(long index, Tensor batch, CancellationToken cancellation)
    {
        var places = new RowPlace[Rows];
        _order.Value.Batch(index, places);
        var size = Width * (Type == ScalarType.Float64 ? 8 : 4);
        var bytes = (byte*)TensorMemory.Address(batch);
        var leases = new Dictionary<int, LeaseCache<string, ActivationShard>.Lease>();
        try
        {
            for (var i = 0; i < Rows; i++)
            {
                if (!leases.TryGetValue(places[i].Shard, out var lease))
                    leases[places[i].Shard] = lease = Shard(places[i].Shard, cancellation);
                lease.Value.Row(places[i].Row).CopyTo(new Span<byte>(bytes + (long)i * size, size));
            }
        }
        finally
        {
            foreach (var lease in leases.Values) lease.Dispose();
        }
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
