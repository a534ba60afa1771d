using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace InterpActors.Compute.Reports;

/// <summary>Everything the report's page shows, as one JSON object.</summary>
public static class ReportData
{
    private const int MostPrompts = 200;
    private const int MostTokens = 20_000;
    private const int LongestFact = 240;
    private const int MostRows = 2000;
    private const int MostSeries = 64;
    private const int MostPoints = 400;

    public static JsonObject Build(StudyResult result, MachineFacts machine, IReadOnlyDictionary<string, string> artifacts)
    {
        var study = result.Plan.Study;
        var shown = Shown(result.Prompts);
        return new JsonObject
        {
            ["name"] = study.Name,
            ["id"] = study.Id.Value,
            ["kind"] = study.Kind,
            ["state"] = SummaryJson.Word(result.History.State),
            ["headline"] = result.Plan.Headline,
            ["answer"] = result.Answer,
            ["trust"] = SummaryJson.Trust(result),
            ["warnings"] = Texts(result.Warnings),
            ["scoreNotes"] = Texts(result.ScoreNotes),
            ["units"] = new JsonArray(result.History.Planned, result.History.Committed, result.History.Failures.Count),
            ["baselines"] = SummaryJson.Baselines(result.Baselines),
            ["figures"] = new JsonArray([.. result.Figures.Select(f => new JsonArray(f.Value, f.Words))]),
            ["curves"] = new JsonArray([.. result.Curves.Select(Curve)]),
            ["results"] = result.Results is { } table ? Table(table) : null,
            ["grid"] = result.Results is null ? ReportMaps.Build(result) : null,
            ["halfWidths"] = new JsonObject(result.Rows.Select(r => r.N).Distinct().Take(1000)
                .Select(n => KeyValuePair.Create($"{n}", SummaryJson.Number(CellOrder.HalfWidth(n))))),
            ["prompts"] = new JsonArray([.. shown.Select(Prompt)]),
            ["promptCount"] = result.Prompts.Count,
            ["dropped"] = new JsonArray([.. result.Dropped.Select(d => new JsonArray(d.Id, d.Reason))]),
            ["method"] = new JsonObject
            {
                ["title"] = result.Method.Title,
                ["words"] = result.Method.Words,
                ["formula"] = result.Method.Formula,
                ["source"] = result.Method.Source,
            },
            ["facts"] = Facts(result, machine),
            ["source"] = study.Source,
            ["canonical"] = JsonNode.Parse(study.Canonical)!.ToJsonString(new JsonSerializerOptions { WriteIndented = true }),
            ["processes"] = SummaryJson.Processes(result.History),
            ["failures"] = SummaryJson.Failures(result.History),
            ["pages"] = Texts(result.Files.Select(f => f.FileName)),
            ["tables"] = Texts(result.Tables.Select(t => t.FileName)),
            ["artifacts"] = new JsonArray([.. artifacts.Select(a => new JsonArray(a.Key, a.Value))]),
        };
    }

    private static JsonObject Table(ExtraTable table) => new()
    {
        ["columns"] = Texts(table.Columns),
        ["rows"] = new JsonArray([.. table.Rows.Take(MostRows).Select(r => new JsonArray([.. r.Select(Value)]))]),
        ["count"] = table.Rows.Count,
    };

    private static JsonNode? Value(object? value) => value switch
    {
        null => null,
        string text => JsonValue.Create(text),
        bool flag => JsonValue.Create(flag ? "true" : "false"),
        double or float => SummaryJson.Number(Convert.ToDouble(value, CultureInfo.InvariantCulture)),
        _ => JsonValue.Create(Convert.ToInt64(value, CultureInfo.InvariantCulture)),
    };

    /// <summary>A chart as the page's script draws it.</summary>
    internal static JsonObject Curve(CurveChart chart) => new()
    {
        ["title"] = chart.Title,
        ["across"] = chart.Across,
        ["series"] = new JsonArray([.. chart.Series.Take(MostSeries).Select(s => Thinned(s)).Select(s => new JsonObject
        {
            ["name"] = s.Name,
            ["x"] = new JsonArray([.. s.X.Select(v => SummaryJson.Number(v))]),
            ["y"] = new JsonArray([.. s.Y.Select(v => SummaryJson.Number(v))]),
        })]),
    };

    /// <summary>At most <see cref="MostPoints"/> points, evenly spaced, the last one kept.</summary>
    private static CurveSeries Thinned(CurveSeries series)
    {
        if (series.X.Count <= MostPoints) return series;
        var kept = Enumerable.Range(0, MostPoints).Select(i => (int)((long)i * (series.X.Count - 1) / (MostPoints - 1))).ToArray();
        return series with { X = [.. kept.Select(i => series.X[i])], Y = [.. kept.Select(i => series.Y[i])] };
    }

    private static IReadOnlyList<PromptView> Shown(IReadOnlyList<PromptView> prompts)
    {
        var tokens = 0;
        return [.. prompts.Take(MostPrompts).TakeWhile(p => (tokens += p.CleanPieces.Count) <= MostTokens)];
    }

    private static JsonObject Prompt(PromptView prompt) => new()
    {
        ["id"] = prompt.Id,
        ["group"] = prompt.Group,
        ["clean"] = Texts(prompt.CleanPieces),
        ["corrupted"] = prompt.CorruptedPieces is { } pieces ? Texts(pieces) : null,
        ["answer"] = prompt.Answer,
        ["wrong"] = prompt.Wrong,
        ["roles"] = new JsonObject(prompt.Roles.Select(r =>
            KeyValuePair.Create(r.Key, (JsonNode?)new JsonArray([.. r.Value.Select(p => (JsonNode?)JsonValue.Create(p))])))),
        ["metric"] = new JsonArray(SummaryJson.Number(prompt.CleanMetric), SummaryJson.Number(prompt.CorruptedMetric)),
    };

    private static JsonArray Facts(StudyResult result, MachineFacts machine)
    {
        var (study, model) = (result.Plan.Study, result.Model);
        var memory = (machine.MemoryBytes / 1073741824.0).ToString("0.#", CultureInfo.InvariantCulture);
        var seed = ManifestJson.Seed(JsonNode.Parse(study.Canonical)!);
        var facts = new List<(string Name, string? Value)>();
        if (model is not null)
            facts.AddRange([
                ("Model",
                    $"{model.Name} ({model.Family}, {model.Layers} layers, {model.Heads} heads"
                        + (model.Parameters is { } count ? $", {Whole(count)} parameters)" : ")")),
                ("Model SHA-256", model.Sha256),
                ("Weight processing", model.Processing),
                ("Number format", model.Dtype),
            ]);
        if (result.Results is null)
            facts.AddRange([
                ("Metric", result.Baselines?.Metric),
                ("Direction", Joined(result.Rows.Select(r => r.Direction))),
                ("Value written", Joined(result.Rows.Select(r => r.Value))),
                ("Prompts", Whole(result.Prompts.Count)),
                ("Cells", Whole(result.Rows.Count)),
            ]);
        facts.AddRange([
            ("Seed", seed?.ToString(CultureInfo.InvariantCulture)),
            ("Threads per worker", Whole(study.Execution.Threads)),
            ("Matrix products", study.Execution.Matmul),
            ("Device", study.Execution.DeviceKind),
        ]);
        facts.AddRange(result.Manifest.Select(f => (Sentence(f.Key), Described(f.Value))));
        facts.AddRange([
            ("Code", $"InterpActors {machine.CodeVersion}, {machine.Torch}, {machine.Runtime}"),
            ("Hardware", $"{machine.Cpu}, {machine.Cores} cores, {memory} GiB; {machine.System}"),
            ("Study id", study.Id.Value),
        ]);
        return new JsonArray([.. facts.Where(f => !string.IsNullOrEmpty(f.Value)).Select(f => new JsonArray(f.Name, f.Value))]);
    }

    /// <summary>A fact of the manifest in one line; what is too long for that is in the manifest alone.</summary>
    private static string? Described(JsonNode? node)
    {
        var text = node switch
        {
            JsonObject o => string.Join("; ", o.Select(p => $"{p.Key.Replace('_', ' ')}: {Described(p.Value)}")),
            JsonArray a => string.Join(", ", a.Select(Described)),
            _ => node?.ToString() ?? "",
        };
        return text.Length <= LongestFact ? text : "see manifest.json";
    }

    private static string? Joined(IEnumerable<string?> words) => string.Join(", ", words.OfType<string>().Distinct().Take(20));

    private static string Sentence(string key)
    {
        var words = key.Replace('_', ' ');
        return words.Length == 0 ? key : char.ToUpperInvariant(words[0]) + words[1..];
    }

    private static string Whole(long value) => value.ToString("#,0", CultureInfo.InvariantCulture);

    private static JsonArray Texts(IEnumerable<string> texts) => new([.. texts.Select(t => (JsonNode?)JsonValue.Create(t))]);
}
