using System.Globalization;
using InterpActors.Compute.Dictionaries.Planted;
using InterpActors.Compute.Studies;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Compute.Dictionaries.Data;

/// <summary>The <c>data</c> section of a training study: what a batch is made of. Immutable and thread-safe.</summary>
public abstract class TrainingData : IDisposable
{
    /// <summary>d_in.</summary>
    public abstract int Width { get; }

    /// <summary>Rows of a batch.</summary>
    public abstract int Batch { get; }

    /// <summary>Where the activations are from, as the saved dictionary's metadata has it.</summary>
    public abstract string Hook { get; }

    /// <summary>Tokens of a row's context; null where that is not known.</summary>
    public virtual int? Context => null;

    /// <summary>Where the data are drawn from, if their features are known.</summary>
    internal virtual IPlantedWorld? World => null;

    /// <summary>Shards that have to be harvested before the first batches can be had, in the order of their first use.</summary>
    public virtual IReadOnlyList<int> Shards(long batches) => [];

    /// <summary>The batches.</summary>
    /// <param name="store">Where harvested shards are.</param>
    public abstract ActivationBatches Open(StudySession session, ShardStore store);

    /// <summary>Computes a shard unless it is there.</summary>
    /// <returns>Its rows.</returns>
    public virtual long Harvest(int shard, StudySession session, ShardStore store, CancellationToken cancellation) =>
        throw new InvalidOperationException("nothing is harvested for these data");

    /// <param name="batch">Rows of a batch; null where the data decide.</param>
    /// <param name="where">The place of the key <c>batch</c>, for messages.</param>
    /// <exception cref="StudyException">The data cannot be read or are too few for a batch.</exception>
    public static TrainingData Read(StudySection data, StudyContext study, int? batch, string where)
    {
        var kind = data.OneOf("kind", [DataKinds.Activations, DataKinds.Model, DataKinds.Chat, DataKinds.Planted]);
        return kind switch
        {
            DataKinds.Activations => new StoredActivations(data, study, batch, where),
            DataKinds.Planted => new PlantedActivations(data, study, batch),
            _ => new HarvestedActivations(data, kind, study, batch ?? 4096),
        };
    }

    public virtual void Dispose()
    {
    }
}

/// <summary>Activations in a safetensors file.</summary>
internal sealed class StoredActivations : TrainingData
{
    private readonly string _path;
    private readonly string _tensor;
    private readonly bool _shuffled;
    private readonly long _seed;

    public StoredActivations(StudySection data, StudyContext study, int? batch, string where)
    {
        var name = data.Text("file");
        FileHash.Pin(data, "sha256", name, study.Folder, "file");
        _path = study.Folder.PathOf(name);
        using var file = SafetensorsFile.Open(_path);
        if (file.Tensors.Count == 0) throw new StudyException("it holds no tensor", _path);
        _tensor = data.Text("tensor", file.Tensors.Count == 1 ? file.Names.First() : "batches");
        if (!file.Tensors.TryGetValue(_tensor, out var stored))
            throw data.Wrong("tensor", $"'{name}' has no tensor '{_tensor}'", StudySection.Nearest(_tensor, [.. file.Names]));
        if (!stored.IsFloatingPoint) throw data.Wrong("tensor", $"'{_tensor}' holds {stored.TypeName}, no activations",
            "give F32, F64, F16 or BF16");
        if (stored.Shape.Count is not (2 or 3) || stored.Shape.Contains(0))
            throw data.Wrong("tensor", $"'{_tensor}' has shape [{string.Join(", ", stored.Shape)}]",
                "give [rows, d] or [batches, rows, d]");
        if (stored.Shape.Count == 3 && batch is { } wanted && wanted != stored.Shape[1])
            throw new StudyException($"'{_tensor}' is divided into batches of {stored.Shape[1]} rows, not {wanted}", where,
                $"write batch = {stored.Shape[1]}");
        Batch = stored.Shape.Count == 3 ? (int)stored.Shape[1] : batch ?? 4096;
        if (stored.Shape.Count == 2 && stored.Shape[0] < Batch)
            throw new StudyException($"'{_tensor}' has {stored.Shape[0]} rows, fewer than a batch of {Batch}", where,
                "make batches smaller");
        _shuffled = data.OneOf("order", ["file", "shuffled"], stored.Shape.Count == 3 ? "file" : "shuffled") == "shuffled";
        Hook = data.Text("hook", "activations");
        (Width, _seed) = ((int)stored.RowLength, study.Seed);
    }

    public override int Width { get; }

    public override int Batch { get; }

    public override string Hook { get; }

    public override ActivationBatches Open(StudySession session, ShardStore store) =>
        new FileBatches(SafetensorsFile.Open(_path), _tensor, Batch, _shuffled, _seed);
}

/// <summary>Activations of the study's model on token sequences.</summary>
internal sealed class HarvestedActivations : TrainingData
{
    private readonly TokenData _tokens;
    private readonly HarvestPlan _plan;
    private readonly long _buffer;
    private readonly double _mix;
    private readonly bool _shuffled;
    private readonly long _seed;

    public HarvestedActivations(StudySection data, string kind, StudyContext study, int batch)
    {
        if (study.GivenModel is not { } model)
            throw new StudyException($"data of kind {kind} needs a model", data.Place.ToString(), "add model { path = … } to the study");
        var hook = data.Text("hook");
        var site = HarvestSite.Of(hook, model.Config, data.Where("hook"));
        _tokens = TokenData.Read(data, kind, study);
        _plan = new HarvestPlan(_tokens, site, model, data.Number("max_norm", 0, 0));
        (Batch, _seed) = (batch, study.Seed);
        _shuffled = data.OneOf("order", ["file", "shuffled"], "shuffled") == "shuffled";
        _buffer = Buffer(data, batch);
        _mix = data.Number("mix", 0.5, 0, 0.99);
        var rows = _plan.KeptRows.Sum();
        if (rows >= batch) return;
        _tokens.Dispose();
        throw new StudyException($"{rows} tokens are left of the data, fewer than a batch of {batch}", data.Place.ToString(),
            rows == 0 ? "every token is excluded" : "give more text or make batches smaller");
    }

    public override int Width => _plan.Site.Width;

    public override int Batch { get; }

    public override string Hook => _plan.Site.Hook;

    public override int? Context => _tokens.Sequences.LengthOf(0);

    public override IReadOnlyList<int> Shards(long batches) =>
        _plan.MaxNorm > 0 ? [.. Enumerable.Range(0, _plan.Shards)] : Order(_plan.KeptRows).Shards(batches);

    public override ActivationBatches Open(StudySession session, ShardStore store) =>
        new HarvestBatches(_plan, store, session, Order, Batch);

    public override long Harvest(int shard, StudySession session, ShardStore store, CancellationToken cancellation)
    {
        using var lease = store.Take(_plan, shard, _plan.Key(shard, session.Study.Execution), session, cancellation);
        return lease.Value.Rows;
    }

    public override void Dispose() => _tokens.Dispose();

    private RowOrder Order(IReadOnlyList<long> counts)
    {
        var order = new RowOrder(counts, Batch, _buffer, _mix, _seed, _shuffled);
        return order.BatchesPerEpoch > 0 ? order : throw new UnitException(UnitFailureKind.Permanent,
            $"{counts.Sum()} rows are left of the data, fewer than a batch of {Batch}");
    }

    /// <summary><c>20 batches</c> or a number of rows.</summary>
    private static long Buffer(StudySection data, int batch)
    {
        var words = data.Text("buffer", "20 batches").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length is 1 or 2 && long.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n > 0
            && words.ElementAtOrDefault(1) is null or "batches" or "rows")
            return words.ElementAtOrDefault(1) == "batches" ? n * batch : n;
        throw data.Wrong("buffer", "is no number of rows or batches", "write buffer = 20 batches");
    }
}
