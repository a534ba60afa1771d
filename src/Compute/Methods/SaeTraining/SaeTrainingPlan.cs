using System.Text.RegularExpressions;
using InterpActors.Compute.Dictionaries.Data;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Compute.Methods.SaeTraining;

/// <summary>
/// The units of a training study: first one for each shard of activations that the dictionaries will read, then one for each dictionary. A
/// dictionary computes what it finds missing, so nothing has to wait for anything.
/// </summary>
internal sealed partial class SaeTrainingPlan : IStudyPlan
{
    private const int HarvestTrack = 0;

    private readonly IReadOnlyList<int> _shards;
    private readonly IReadOnlyList<TrainingSettings> _dictionaries;
    private readonly int _trainingTrack;

    public SaeTrainingPlan(Study study, TrainingData data, IReadOnlyList<TrainingSettings> dictionaries, string model)
    {
        (Study, _dictionaries, _shards) = (study, dictionaries, data.Shards(dictionaries.Max(d => d.Batches)));
        var layer = LayerNumber().Match(data.Hook) is { Success: true } match
            ? int.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture) : 0;
        var (steps, cells) = (dictionaries.Sum(d => d.Steps), dictionaries.Sum(d => (long)Cells(d)));
        if (_shards.Count > 0)
        {
            Layers = [new LayerUnits(-1, 0, _shards.Count), new LayerUnits(layer, _shards.Count, dictionaries.Count)];
            Tracks = [new PlanTrack("harvest", _shards.Count, _shards.Count), new PlanTrack("training", dictionaries.Count, cells)];
        }
        else
        {
            Layers = [new LayerUnits(layer, 0, dictionaries.Count)];
            Tracks = [new PlanTrack("training", dictionaries.Count, cells)];
        }
        _trainingTrack = Tracks.Count - 1;
        CellCount = Tracks.Sum(t => t.Cells);
        var names = string.Join(", ", dictionaries.Select(d => d.Plan.Architecture.Name).Distinct());
        var one = dictionaries[0].Plan;
        Headline = $"{model} · {data.Hook} · {dictionaries.Count} {(dictionaries.Count == 1 ? "dictionary" : "dictionaries")} ({names}), "
            + $"{one.Sizes.Input} x {one.Sizes.Latents} · {steps:N0} steps of {data.Batch:N0}";
        Estimate = EstimateOf(data);
    }

    public Study Study { get; }
    public string Headline { get; }
    public long UnitCount => _shards.Count + _dictionaries.Count;
    public long CellCount { get; }
    public IReadOnlyList<LayerUnits> Layers { get; }
    public IReadOnlyList<PlanTrack> Tracks { get; }
    public PlanEstimate Estimate { get; }

    public WorkUnit this[long ordinal]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(ordinal);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(ordinal, UnitCount);
            if (Shard(ordinal) is { } shard)
                return new WorkUnit(Study.Id, ordinal, -1, HarvestTrack, EngineKind.Training, 1, $"harvest shard {shard}");
            var dictionary = Dictionary(ordinal)!;
            return new WorkUnit(Study.Id, ordinal, Layers[^1].Layer, _trainingTrack, EngineKind.Training, Cells(dictionary),
                dictionary.Name);
        }
    }

    /// <summary>Every dictionary, in plan order.</summary>
    public IReadOnlyList<TrainingSettings> All => _dictionaries;

    /// <summary>The shard that a unit harvests; null for others.</summary>
    public int? Shard(long ordinal) => ordinal < _shards.Count ? _shards[(int)ordinal] : null;

    /// <summary>The dictionary that a unit trains; null for others.</summary>
    public TrainingSettings? Dictionary(long ordinal) => ordinal < _shards.Count ? null : _dictionaries[(int)(ordinal - _shards.Count)];

    private static int Cells(TrainingSettings dictionary) => (int)Math.Min(int.MaxValue, dictionary.Steps);

    /// <summary>Dense: six products of rows, width and latents forward and backward; weights, moments, gradients and one batch of
    /// codes.</summary>
    private PlanEstimate EstimateOf(TrainingData data)
    {
        double flops = 0;
        long memory = 0, artifacts = 0;
        foreach (var d in _dictionaries)
        {
            var (sizes, bytes) = (d.Plan.Sizes, d.Plan.Type == TorchSharp.torch.ScalarType.Float64 ? 8 : 4);
            flops += 12.0 * sizes.Input * sizes.Latents * data.Batch * d.Steps;
            var weights = 2L * sizes.Input * sizes.Latents * bytes;
            memory = Math.Max(memory, 4 * weights + 4L * data.Batch * (sizes.Latents + sizes.Input) * bytes);
            artifacts += weights * (1 + 3 * d.CheckpointsKept);
        }
        return new PlanEstimate(_shards.Count, flops, memory, artifacts);
    }

    [GeneratedRegex(@"^blocks\.(\d+)\.", RegexOptions.CultureInvariant)]
    private static partial Regex LayerNumber();
}
