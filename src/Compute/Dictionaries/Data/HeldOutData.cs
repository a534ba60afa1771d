using InterpActors.Compute.Dictionaries.Planted;
using InterpActors.Compute.Studies;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Data;

/// <summary>Some rows of held-out data, in the dispose scope they were read in.</summary>
/// <param name="X">[rows, d_in]</param>
/// <param name="Special">[rows] bool: which are of special tokens; null where the data do not know.</param>
internal sealed record HeldOutRows(Tensor X, Tensor? Special);

/// <summary>
/// Rows that no training sees and on which every dictionary of a study is measured at its end, in parts of a fixed order. Immutable and
/// thread-safe.
/// </summary>
internal abstract class HeldOutData
{
    // Rows of a part, where the data have none of their own.
    protected const int PartRows = 4096;

    public abstract int Width { get; }

    /// <summary>Whether rows of special tokens are marked.</summary>
    public abstract bool KnowsSpecial { get; }

    /// <summary>Where the rows are drawn from, if their features are known.</summary>
    public virtual IPlantedWorld? World => null;

    /// <summary>What is harvested for them; null where nothing is.</summary>
    public virtual HarvestPlan? Harvest => null;

    public abstract int Parts { get; }

    /// <param name="store">Where harvested shards are.</param>
    public abstract HeldOutRows Part(int index, StudySession session, ShardStore store, CancellationToken cancellation);

    /// <param name="hook">That of the training data.</param>
    /// <exception cref="StudyException">The data cannot be read.</exception>
    public static HeldOutData Read(StudySection data, StudyContext study, string hook)
    {
        var kind = data.OneOf("kind", DataKinds.All);
        return kind switch
        {
            DataKinds.Activations => new HeldOutFile(data, study),
            DataKinds.Planted => new HeldOutWorld(PlantedActivations.ReadWorld(data, study)),
            _ => new HeldOutTokens(HarvestSource.Read(data, kind, study, hook), data),
        };
    }

    /// <summary>Activations of the model on token sequences, a shard a part.</summary>
    private sealed class HeldOutTokens : HeldOutData
    {
        private readonly HarvestPlan _plan;

        public HeldOutTokens(HarvestPlan plan, StudySection data)
        {
            _plan = plan;
            if (plan.KeptRows.Sum() == 0)
                throw new StudyException("no token is left of the data", data.Place.ToString(), "every token is excluded");
        }

        public override int Width => _plan.Site.Width;

        public override bool KnowsSpecial => _plan.Tokens.IsChat;

        public override HarvestPlan Harvest => _plan;

        public override int Parts => _plan.Shards;

        public override HeldOutRows Part(int index, StudySession session, ShardStore store, CancellationToken cancellation)
        {
            using var lease = store.Take(_plan, index, _plan.Key(index, session.Study.Execution), session, cancellation);
            return new HeldOutRows(lease.Value.Origin("rows"), KnowsSpecial ? lease.Value.Origin("special").ne(0) : null);
        }
    }

    /// <summary>
    /// Rows of a world whose features are known: batches that count downwards from −1, for those of training count upwards from 0.
    /// </summary>
    private sealed class HeldOutWorld(IPlantedWorld world) : HeldOutData
    {
        public override int Width => (int)World.Features.shape[1];

        public override bool KnowsSpecial => world.KnowsSpecial;

        public override IPlantedWorld World => world;

        public override int Parts => 4;

        public override HeldOutRows Part(int index, StudySession session, ShardStore store, CancellationToken cancellation) =>
            new(world.Rows(world.Activations(-1 - index, PartRows)), world.Special(-1 - index, PartRows));
    }

    /// <summary>All rows of a tensor in a safetensors file, in its order.</summary>
    private sealed class HeldOutFile : HeldOutData
    {
        private readonly string _path;
        private readonly string _tensor;
        private readonly long _rows;

        public HeldOutFile(StudySection data, StudyContext study)
        {
            (_path, _tensor, var stored) = StoredActivations.Locate(data, study);
            (_rows, Width) = (stored.Rows, (int)stored.RowLength);
        }

        public override int Width { get; }

        public override bool KnowsSpecial => false;

        public override int Parts => (int)((_rows + PartRows - 1) / PartRows);

        public override unsafe HeldOutRows Part(int index, StudySession session, ShardStore store, CancellationToken cancellation)
        {
            using var file = SafetensorsFile.Open(_path);
            var (mapped, start, stored) = file.Locate(_tensor);
            var (first, bytes) = (index * (long)PartRows, stored.RowLength * stored.Type.Bytes);
            var rows = Math.Min(PartRows, _rows - first);
            using var window = mapped.Map(start + first * bytes, checked((int)(rows * bytes)));
            var x = empty([rows, Width], stored.Type.Torch);
            window.Bytes.CopyTo(new Span<byte>((byte*)TensorMemory.Address(x), checked((int)(rows * bytes))));
            return new HeldOutRows(x, null);
        }
    }
}
