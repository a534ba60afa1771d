using InterpActors.Messages.Artifacts;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Compute.Reports;

/// <summary>One row of <c>results.csv</c> for a cell at a site; columns and meanings are the contract's. Null prints as empty.</summary>
/// <param name="PerPrompt">Effect of each prompt in file order, for the report; null where there is none.</param>
public sealed record CellRow(
    string Hook, int? Layer, int? Head, int? Position, string? Role, string? Direction, string? Value, string Metric, int N,
    double? Clean, double? Corrupted, double? Patched, double? Effect, double? EffectSe, double? Score, IReadOnlyList<double>? PerPrompt)
{
    /// <summary>
    /// What the head column holds where several sites were written together (heads joined by a space); null: <see cref="Head"/>.
    /// </summary>
    public string? Heads { get; init; }

    /// <summary>Sites that were written together, a star for a layer that they share: <c>z *.0 + z *.1</c>; null for one site.</summary>
    public string? Together { get; init; }

    /// <summary>
    /// The latent of a dictionary that was written; null where there is none. A column of its own, where any row has one.
    /// </summary>
    public int? Latent { get; init; }
}

/// <summary>A mean over prompts with its 95 % interval (Student's t), in metric units.</summary>
public sealed record MeanInterval(double Mean, double Low, double High);

/// <summary>The metric without any intervention.</summary>
/// <param name="Accuracy">Fraction of prompts where the answer beats the wrong answer (or is the most likely token) in the clean
/// run.</param>
public sealed record Baselines(string Metric, int N, MeanInterval Clean, MeanInterval? Corrupted, double? Accuracy);

/// <summary>A prompt pair as the report shows it.</summary>
/// <param name="CleanPieces">Token texts, one a position.</param>
/// <param name="Roles">Role name to positions (not negative).</param>
public sealed record PromptView(
    string Id, string? Group, IReadOnlyList<string> CleanPieces, IReadOnlyList<string>? CorruptedPieces, string Answer, string? Wrong,
    IReadOnlyDictionary<string, IReadOnlyList<int>> Roles, double CleanMetric, double? CorruptedMetric);

/// <summary>What was done, in words.</summary>
public sealed record MethodView(string Title, string Words, string Formula, string Source);

/// <summary>One line of the report's traffic light for trust.</summary>
/// <param name="State"><c>good</c>, <c>doubtful</c> or <c>bad</c>.</param>
public sealed record TrustCheck(string Name, string State, string Words);

/// <summary>An extra table beside <c>results.csv</c>, e.g. <c>head-metrics-prompts.csv</c>.</summary>
public sealed record ExtraTable(string FileName, IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<object?>> Rows);

/// <summary>A large result file, stored under <c>artifacts/</c> by its SHA-256 and linked by name.</summary>
public sealed record ExtraArtifact(string Name, byte[] Content);

/// <summary>A further file of the run folder that people open, e.g. a page.</summary>
public sealed record ExtraFile(string FileName, Action<Stream> Write);

/// <summary>The model as manifest and report show it.</summary>
/// <param name="Parameters">How many numbers it has; null where no unit counts them.</param>
public sealed record ModelView(
    string Name, string Family, int Layers, int Heads, long? Parameters,
    string Sha256, string Path, string Dtype, string Processing);

/// <summary>A number that the report puts first, with its words: <c>0.93</c>, <c>explained variance</c>.</summary>
public sealed record Figure(string Value, string Words);

/// <summary>Lines in one frame of the report.</summary>
/// <param name="Across">What the horizontal axis counts.</param>
public sealed record CurveChart(string Title, string Across, IReadOnlyList<CurveSeries> Series);

/// <summary>One line; NaN breaks it.</summary>
public sealed record CurveSeries(string Name, IReadOnlyList<double> X, IReadOnlyList<double> Y);

/// <summary>Everything the run folder is written from.</summary>
/// <param name="Model">Null for a study without one.</param>
/// <param name="Baselines">Null for a study without a metric.</param>
/// <param name="Rows">In plan order; empty where <see cref="Results"/> stands instead.</param>
/// <param name="ScoreNotes">Why scores are empty, if some are (a denominator within its noise of 0).</param>
/// <param name="Manifest">Method-specific facts for <c>manifest.json</c> (batch composition, fired elements …).</param>
public sealed record StudyResult(
    IStudyPlan Plan, RunHistory History, ModelView? Model, Baselines? Baselines,
    IReadOnlyList<CellRow> Rows, IReadOnlyList<PromptView> Prompts,
    MethodView Method, IReadOnlyList<TrustCheck> Trust, string Answer, IReadOnlyList<string> Warnings, IReadOnlyList<string> ScoreNotes,
    IReadOnlyList<ExtraTable> Tables, IReadOnlyList<ExtraArtifact> Artifacts, System.Text.Json.Nodes.JsonObject Manifest)
{
    /// <summary>The rows of <c>results.*</c> of a study whose results are no cells at sites; null for the others.</summary>
    public ExtraTable? Results { get; init; }

    /// <summary>The numbers the report puts first; of cell studies, the baselines take their place.</summary>
    public IReadOnlyList<Figure> Figures { get; init; } = [];

    /// <summary>Further pages beside the report.</summary>
    public IReadOnlyList<ExtraFile> Files { get; init; } = [];

    /// <summary>Curves over time, for studies that train.</summary>
    public IReadOnlyList<CurveChart> Curves { get; init; } = [];

    /// <summary>
    /// Large results that units left by content, under the names (with <c>/</c> between folders) by which the run folder shows them.
    /// </summary>
    public IReadOnlyList<NamedArtifact> Linked { get; init; } = [];

    /// <summary>Prompts that the task could not use, and why.</summary>
    public IReadOnlyList<Tasks.DroppedPrompt> Dropped { get; init; } = [];
}
