using System.Globalization;
using System.Text.Json.Nodes;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Reports;

/// <summary><c>summary.json</c>: where the run stands, its baselines, its strongest cells, what went wrong, and how long it took.</summary>
public static class SummaryJson
{
    private const int TopCells = 10;

    /// <param name="artifacts">Name to SHA-256.</param>
    public static JsonObject Build(StudyResult result, IReadOnlyDictionary<string, string> artifacts) => new()
    {
        ["study"] = result.Plan.Study.Id.Value,
        ["name"] = result.Plan.Study.Name,
        ["kind"] = result.Plan.Study.Kind,
        ["state"] = Word(result.History.State),
        ["answer"] = result.Answer,
        ["units"] = new JsonObject
        {
            ["planned"] = result.History.Planned,
            ["committed"] = result.History.Committed,
            ["failed"] = result.History.Failures.Count,
        },
        ["cells"] = result.Results?.Rows.Count ?? result.Rows.Count,
        ["processes"] = Processes(result.History),
        ["baselines"] = Baselines(result.Baselines),
        ["figures"] = new JsonArray([.. result.Figures.Select(f => new JsonArray(f.Value, f.Words))]),
        ["top_cells"] = new JsonArray([.. CellOrder.Strongest(result.Rows, TopCells).Select(Cell)]),
        ["trust"] = Trust(result),
        ["warnings"] = Texts(result.Warnings),
        ["score_notes"] = Texts(result.ScoreNotes),
        ["failures"] = Failures(result.History),
        ["dropped_prompts"] = new JsonArray([.. result.Dropped.Select(d => new JsonObject { ["id"] = d.Id, ["reason"] = d.Reason })]),
        ["artifacts"] = new JsonObject(artifacts.Select(a => KeyValuePair.Create(a.Key, (JsonNode?)a.Value))),
        ["seconds"] = Seconds(result.History),
    };

    /// <summary>The contract's word for a state.</summary>
    public static string Word(RunState state) => state switch
    {
        RunState.Completed => "completed",
        RunState.CompletedWithErrors => "completed-with-errors",
        RunState.Paused => "paused",
        RunState.Cancelled => "cancelled",
        _ => "running",
    };

    public static JsonArray Trust(StudyResult result) =>
        new([.. result.Trust.Select(t => new JsonObject { ["name"] = t.Name, ["state"] = t.State, ["words"] = t.Words })]);

    public static JsonArray Processes(RunHistory history) => new([.. history.Processes.Select(p => new JsonObject
    {
        ["process"] = p.Process,
        ["started"] = Time(p.Started),
        ["ended"] = p.Ended is { } ended ? Time(ended) : null,
        ["units_computed"] = p.UnitsComputed,
        ["units_committed"] = p.UnitsCommitted,
    })]);

    public static JsonArray Failures(RunHistory history) => new([.. history.Failures.Select(f => new JsonObject
    {
        ["unit"] = f.Ordinal,
        ["label"] = f.Label,
        ["attempts"] = f.Attempts,
        ["error"] = f.Error,
    })]);

    /// <summary>JSON has no NaN and no infinity; both become null.</summary>
    public static JsonNode? Number(double? value) => value is { } x && double.IsFinite(x) ? JsonValue.Create(x) : null;

    /// <summary>The metric without any intervention; null for a study without a metric.</summary>
    public static JsonObject? Baselines(Baselines? baselines) => baselines is null ? null : new JsonObject
    {
        ["metric"] = baselines.Metric,
        ["n"] = baselines.N,
        ["clean"] = Interval(baselines.Clean),
        ["corrupted"] = Interval(baselines.Corrupted),
        ["accuracy"] = Number(baselines.Accuracy),
    };

    /// <summary>Mean and 95 % interval; null stays null.</summary>
    public static JsonObject? Interval(MeanInterval? interval) => interval is null ? null : new JsonObject
    {
        ["mean"] = Number(interval.Mean),
        ["ci95"] = new JsonArray(Number(interval.Low), Number(interval.High)),
    };

    private static JsonObject Cell(CellRow row) => new()
    {
        ["hook"] = row.Hook,
        ["layer"] = row.Layer,
        ["head"] = row.Heads is { } heads ? JsonValue.Create(heads) : JsonValue.Create(row.Head),
        ["latent"] = row.Latent,
        ["position"] = row.Position,
        ["role"] = row.Role,
        ["patched"] = Number(row.Patched),
        ["effect"] = Number(row.Effect),
        ["effect_se"] = Number(row.EffectSe),
        ["score"] = Number(row.Score),
    };

    /// <summary>Time that processes worked on the run; the last one works until now. Killed ones left no end and do not count.</summary>
    public static double Seconds(RunHistory history) => Math.Round(history.Processes
        .Select((p, i) => (p.Ended ?? (i == history.Processes.Count - 1 ? DateTimeOffset.UtcNow : p.Started)) - p.Started)
        .Sum(t => Math.Max(0, t.TotalSeconds)), 3);

    private static string Time(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private static JsonArray Texts(IEnumerable<string> texts) => new([.. texts.Select(t => (JsonNode?)JsonValue.Create(t))]);
}
