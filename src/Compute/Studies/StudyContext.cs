using InterpActors.Compute.Metrics;
using InterpActors.Compute.Models;
using InterpActors.Compute.Tasks;
using InterpActors.Compute.Text;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Studies;

/// <summary>A study as read from its file, with everything but the weights: what planning, checking and reducing need.</summary>
/// <param name="Folder">Where the files that it names are.</param>
/// <param name="GivenModel">Null where the study has none; see <see cref="IStudyKind.TakesTask"/>, also for the next two.</param>
public sealed record StudyContext(
    string Name, long Seed, StudyFolder Folder, StudyModel? GivenModel, ITokenizer? Tokenizer, TaskData? GivenTask, MetricSpec? GivenMetric)
{
    /// <exception cref="InvalidOperationException">The study has no model.</exception>
    public StudyModel Model => GivenModel ?? throw new InvalidOperationException($"study {Name} has no model");

    /// <exception cref="InvalidOperationException">The study has no task.</exception>
    public TaskData Task => GivenTask ?? throw new InvalidOperationException($"study {Name} has no task");

    /// <exception cref="InvalidOperationException">The study has no metric.</exception>
    public MetricSpec Metric => GivenMetric ?? throw new InvalidOperationException($"study {Name} has no metric");

    /// <summary>The study's <c>sweep</c> section, for kinds without a task; null where there is none.</summary>
    public StudySection? Sweep { get; init; }

    public int PromptCount => Task.Prompts.Count;

    /// <summary>
    /// The largest bytes of base-run activations that one shard of prompts may take. Part of the plan, so the same everywhere.
    /// </summary>
    public long ShardBytes { get; init; } = 1L << 30;

    /// <summary>True where every prompt has a corrupted twin.</summary>
    public bool HasCorrupted => Task.Prompts.All(p => p.Corrupted is not null);

    /// <summary>A token as text; its id in brackets where the model has no tokenizer.</summary>
    public string Piece(int token) => Tokenizer?.Decode([token]) ?? $"[{token}]";
}

/// <summary>The model of a study, unopened.</summary>
/// <param name="Sha256">Of all its files.</param>
public sealed record StudyModel(ModelLocation Location, string Path, ModelConfig Config, ScalarType Type, WeightProcessing Processing,
    string Sha256)
{
    public string Dtype => Type == ScalarType.Float64 ? "fp64" : "fp32";

    public string ProcessingWord => Processing == WeightProcessing.Folded ? "folded" : "none";
}
