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

    /// <summary>What is harvested for them; null where nothing is.</summary>
    internal virtual HarvestPlan? Harvested => null;

    /// <summary>The batches.</summary>
    /// <param name="store">Where harvested shards are.</param>
    public abstract ActivationBatches Open(StudySession session, ShardStore store);

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
        (_path, _tensor, var stored) = Locate(data, study);
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

    /// <summary>The tensor that a section of kind <c>activations</c> names: [rows, d] or [batches, rows, d].</summary>
    /// <exception cref="StudyException">There is none.</exception>
    internal static (string Path, string Name, SafetensorsTensor Stored) Locate(StudySection data, StudyContext study)
    {
        var name = data.Text("file");
        FileHash.Pin(data, "sha256", name, study.Folder, "file");
        var path = study.Folder.PathOf(name);
        using var file = SafetensorsFile.Open(path);
        if (file.Tensors.Count == 0) throw new StudyException("it holds no tensor", path);
        var tensor = data.Text("tensor", file.Tensors.Count == 1 ? file.Names.First() : "batches");
        if (!file.Tensors.TryGetValue(tensor, out var found))
            throw data.Wrong("tensor", $"'{name}' has no tensor '{tensor}'", StudySection.Nearest(tensor, [.. file.Names]));
        if (!found.IsFloatingPoint) throw data.Wrong("tensor", $"'{tensor}' holds {found.TypeName}, no activations",
            "give F32, F64, F16 or BF16");
        var (_, _, stored) = file.Locate(tensor);
        if (stored.Shape.Count is not (2 or 3) || stored.Shape.Contains(0))
            throw data.Wrong("tensor", $"'{tensor}' has shape [{string.Join(", ", stored.Shape)}]",
                "give [rows, d] or [batches, rows, d]");
        return (path, tensor, stored);
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
    private readonly HarvestPlan _plan;
    private readonly long _buffer;
    private readonly double _mix;
    private readonly bool _shuffled;
    private readonly long _seed;

    public HarvestedActivations(StudySection data, string kind, StudyContext study, int batch)
    {
        _plan = HarvestSource.Read(data, kind, study, null);
        (Batch, _seed) = (batch, study.Seed);
        _shuffled = data.OneOf("order", ["file", "shuffled"], "shuffled") == "shuffled";
        _buffer = Buffer(data, batch);
        _mix = data.Number("mix", 0.5, 0, 0.99);
        var rows = _plan.KeptRows.Sum();
        if (rows >= batch) return;
        _plan.Tokens.Dispose();
        throw new StudyException($"{rows} tokens are left of the data, fewer than a batch of {batch}", data.Place.ToString(),
            rows == 0 ? "every token is excluded" : "give more text or make batches smaller");
    }

    public override int Width => _plan.Site.Width;

    /// <inheritdoc/>
    internal override HarvestPlan Harvested => _plan;

    public override int Batch { get; }

    public override string Hook => _plan.Site.Hook;

    public override int? Context => _plan.Tokens.Sequences.LengthOf(0);

    public override IReadOnlyList<int> Shards(long batches) =>
        _plan.MaxNorm > 0 ? [.. Enumerable.Range(0, _plan.Shards)] : Order(_plan.KeptRows).Shards(batches);

    public override ActivationBatches Open(StudySession session, ShardStore store) =>
        new HarvestBatches(_plan, store, session, Order, Batch);

    public override void Dispose() => _plan.Tokens.Dispose();

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
