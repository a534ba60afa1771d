using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using InterpActors.Compute.Reports;

namespace InterpActors.Compute.Methods.SaeEvaluation;

/// <summary>
/// Results in the form of SAEBench's files (0.6), which its own readers take. What a run cannot know to the same bytes again is left
/// neutral: the time is 0, and the id follows from the content.
/// </summary>
internal static class SaeBenchJson
{
    private static readonly JsonSerializerOptions Readable =
        new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    // What core switches on or off there.
    private static readonly string[] Computed =
    [
        "kl", "ce_loss", "l2_norms", "sparsity_metrics", "variance_metrics", "featurewise_density_statistics",
        "featurewise_weight_based_metrics",
    ];

    /// <summary>The name under which the run folder has a dictionary's file.</summary>
    /// <param name="type">SAEBench's <c>eval_type_id</c>.</param>
    public static string NameOf(EvaluatedDictionary sae, string type) => $"{sae.FileName}/saebench-{type}.json";

    /// <summary>Core metrics: metrics by group, and facts of every latent. What is not defined is −1, as there.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="sequences">That are run together.</param>
    public static ExtraArtifact OfCore(EvaluatedDictionary sae, string model, int sequences,
        IEnumerable<EvaluationRow> rows, IEnumerable<(EvaluationTable Table, IReadOnlyList<object?> Row)> tables)
    {
        var columns = EvaluationTable.Latents.Columns;
        var details = new JsonArray([.. tables.Where(t => t.Table == EvaluationTable.Latents).Select(t => new JsonObject(
            t.Row.Skip(1).Select((value, i) => KeyValuePair.Create(i == 0 ? "index" : columns[i + 1],
                value is int whole ? JsonValue.Create(whole) : Defined((double?)value)))))]);
        var config = new JsonObject { ["model_name"] = model, ["batch_size_prompts"] = sequences };
        foreach (var done in Computed) config[$"compute_{done}"] = true;
        return Write(sae, "core", config, Groups(rows, Defined), details);
    }

    /// <summary>Metrics on texts of classes: a file of one data set.</summary>
    /// <param name="type">SAEBench's <c>eval_type_id</c>.</param>
    /// <param name="dataset">What the texts are called.</param>
    /// <param name="config">Settings, beside the data set.</param>
    /// <param name="standard">Numbers of latents that SAEBench has metrics for.</param>
    /// <param name="names">Group and name of the metrics of such a number; those that were not asked for are null.</param>
    public static ExtraArtifact OfTexts(EvaluatedDictionary sae, string type, IEnumerable<EvaluationRow> rows, string dataset,
        IReadOnlyList<(string Key, JsonNode Value)> config, IReadOnlyList<int> standard,
        Func<int, IEnumerable<(string Group, string Metric)>> names)
    {
        var groups = Groups(rows, SummaryJson.Number);
        foreach (var (group, metric) in standard.SelectMany(names))
            if (groups[group] is JsonObject known && !known.ContainsKey(metric)) known[metric] = null;
        var detail = new JsonObject { ["dataset_name"] = dataset };
        foreach (var (metric, value) in groups.SelectMany(g => g.Value!.AsObject())) detail[metric] = value?.DeepClone();
        var settings = new JsonObject { ["dataset_names"] = new JsonArray(dataset) };
        foreach (var (key, value) in config) settings[key] = value;
        return Write(sae, type, settings, groups, [detail]);
    }

    public static JsonArray List(IEnumerable<int> values) => new([.. values.Select(v => (JsonNode?)JsonValue.Create(v))]);

    private static JsonObject Groups(IEnumerable<EvaluationRow> rows, Func<double?, JsonNode?> number)
    {
        var groups = new JsonObject();
        foreach (var group in rows.GroupBy(r => r.Metric.Group))
            groups[group.Key] = new JsonObject(group.Select(r => KeyValuePair.Create(r.Metric.Metric, number(r.Metric.Value))));
        return groups;
    }

    private static JsonNode? Defined(double? value) => SummaryJson.Number(value) ?? JsonValue.Create(-1.0);

    private static ExtraArtifact Write(EvaluatedDictionary sae, string type, JsonObject config, JsonObject groups, JsonArray details)
    {
        var json = new JsonObject
        {
            ["eval_type_id"] = type,
            ["eval_config"] = config,
            ["eval_id"] = "",
            ["datetime_epoch_millis"] = 0,
            ["eval_result_metrics"] = groups,
            ["eval_result_details"] = details,
            ["sae_bench_commit_hash"] = "",
            ["sae_lens_id"] = sae.Name,
            ["sae_lens_release_id"] = "custom",
            ["sae_lens_version"] = null,
            ["sae_cfg_dict"] = new JsonObject
            {
                ["architecture"] = sae.Architecture,
                ["d_in"] = sae.Sizes.Input,
                ["d_sae"] = sae.Sizes.Latents,
                ["hook_name"] = sae.Hook,
            },
            ["eval_result_unstructured"] = null,
        };
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(json.ToJsonString()));
        json["eval_id"] = new Guid(hash.AsSpan(0, 16)).ToString();
        return new ExtraArtifact(NameOf(sae, type), Encoding.UTF8.GetBytes(json.ToJsonString(Readable) + "\n"));
    }
}
