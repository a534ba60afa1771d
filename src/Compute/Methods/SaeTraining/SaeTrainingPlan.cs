using System.Text.RegularExpressions;
using InterpActors.Compute.Dictionaries.Data;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Compute.Methods.SaeTraining;

/// <summary>A shard of activations that a unit harvests.</summary>
/// <param name="Label">For people.</param>
internal sealed record HarvestedShard(HarvestPlan Plan, int Index, string Label);

/// <summary>
/// The units of a training study: first one for each shard of activations that the dictionaries will read, then one for each dictionary,
/// layer by layer. A dictionary computes what it finds missing, so nothing has to wait for anything.
/// </summary>
internal sealed partial class SaeTrainingPlan : IStudyPlan
{
    private const int HarvestTrack = 0;

    private readonly IReadOnlyList<HarvestedShard> _shards;
    private readonly IReadOnlyList<TrainingSettings> _dictionaries;
    private readonly int _trainingTrack;

    public SaeTrainingPlan(Study study, IReadOnlyList<DataArm> arms, IReadOnlyList<TrainingSettings> dictionaries, string model)
    {
        (Study, _shards) = (study, [.. arms.SelectMany(arm => Shards(arm, dictionaries)), .. HeldOutShards(arms)]);
        _dictionaries = [.. dictionaries.OrderBy(LayerOf)];
        var steps = dictionaries.Sum(d => d.Steps);
        var training = new PlanTrack("training", dictionaries.Count, dictionaries.Sum(d => (long)Cells(d)));
        Tracks = _shards.Count > 0 ? [new PlanTrack("harvest", _shards.Count, _shards.Count), training] : [training];
        var layers = new List<LayerUnits>();
        if (_shards.Count > 0) layers.Add(new LayerUnits(-1, 0, _shards.Count));
        foreach (var layer in _dictionaries.GroupBy(LayerOf))
            layers.Add(new LayerUnits(layer.Key, layers.Sum(l => l.Count), layer.Count()));
        Layers = layers;
        _trainingTrack = Tracks.Count - 1;
        CellCount = Tracks.Sum(t => t.Cells);
        var names = string.Join(", ", dictionaries.Select(d => d.Plan.Architecture.Name).Distinct());
        var hooks = arms.Select(a => a.Data.Hook).Distinct().ToArray();
        var one = dictionaries[0].Plan;
        Headline = $"{model} · {(hooks.Length == 1 ? hooks[0] : $"{hooks.Length} hooks")} · "
            + $"{dictionaries.Count} {(dictionaries.Count == 1 ? "dictionary" : "dictionaries")} ({names}), "
            + $"{one.Sizes.Input} x {one.Sizes.Latents} · {steps:N0} steps of {arms[0].Data.Batch:N0}";
        Estimate = EstimateOf();
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
                return new WorkUnit(Study.Id, ordinal, -1, HarvestTrack, EngineKind.Training, 1, shard.Label);
            var dictionary = Dictionary(ordinal)!;
            return new WorkUnit(Study.Id, ordinal, LayerOf(dictionary), _trainingTrack, EngineKind.Training, Cells(dictionary),
                dictionary.Name);
        }
    }

    /// <summary>Every dictionary, in plan order.</summary>
    public IReadOnlyList<TrainingSettings> All => _dictionaries;

    /// <summary>The shard that a unit harvests; null for others.</summary>
    public HarvestedShard? Shard(long ordinal) => ordinal < _shards.Count ? _shards[(int)ordinal] : null;

    /// <summary>The dictionary that a unit trains; null for others.</summary>
    public TrainingSettings? Dictionary(long ordinal) => ordinal < _shards.Count ? null : _dictionaries[(int)(ordinal - _shards.Count)];

    private static IEnumerable<HarvestedShard> Shards(DataArm arm, IReadOnlyList<TrainingSettings> dictionaries)
    {
        var of = arm.Name is { } name ? $"{name} " : "";
        if (arm.Data.Harvested is { } harvested)
            foreach (var shard in arm.Data.Shards(dictionaries.Where(d => d.Arm == arm).Max(d => d.Batches)))
                yield return new HarvestedShard(harvested, shard, $"harvest {of}shard {shard}");
    }

    /// <summary>Arms of one hook share what they are measured on.</summary>
    private static IEnumerable<HarvestedShard> HeldOutShards(IReadOnlyList<DataArm> arms)
    {
        foreach (var heldOut in arms.Select(a => a.HeldOut?.Harvest).OfType<HarvestPlan>().Distinct())
            for (var shard = 0; shard < heldOut.Shards; shard++)
                yield return new HarvestedShard(heldOut, shard, $"harvest held-out shard {shard}");
    }

    private static int LayerOf(TrainingSettings dictionary) => LayerNumber().Match(dictionary.Arm.Data.Hook) is { Success: true } match
        ? int.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture) : 0;

    private static int Cells(TrainingSettings dictionary) => (int)Math.Min(int.MaxValue, dictionary.Steps);

    /// <summary>Dense: six products of rows, width and latents forward and backward; weights, moments, gradients and one batch of
    /// codes.</summary>
    private PlanEstimate EstimateOf()
    {
        double flops = 0;
        long memory = 0, artifacts = 0;
        foreach (var d in _dictionaries)
        {
            var (batch, sizes, bytes) = (d.Arm.Data.Batch, d.Plan.Sizes, d.Plan.Type == TorchSharp.torch.ScalarType.Float64 ? 8 : 4);
            flops += 12.0 * sizes.Input * sizes.Latents * batch * d.Steps;
            var weights = 2L * sizes.Input * sizes.Latents * bytes;
            memory = Math.Max(memory, 4 * weights + 4L * batch * (sizes.Latents + sizes.Input) * bytes);
            artifacts += weights * (1 + 3 * d.CheckpointsKept);
        }
        return new PlanEstimate(_shards.Count, flops, memory, artifacts);
    }

    [GeneratedRegex(@"^blocks\.(\d+)\.", RegexOptions.CultureInvariant)]
    private static partial Regex LayerNumber();
}
