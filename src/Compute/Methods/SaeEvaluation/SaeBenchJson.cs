using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using InterpActors.Compute.Reports;

namespace InterpActors.Compute.Methods.SaeEvaluation;

/// <summary>Core metrics in the form of SAEBench's result files (0.6): metrics by group, and facts of every latent.</summary>
internal static class SaeBenchJson
{
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] Write(
        EvaluatedDictionary sae, IEnumerable<EvaluationRow> rows, IEnumerable<(EvaluationTable Table, IReadOnlyList<object?> Row)> tables)
    {
        var groups = new JsonObject();
        foreach (var group in rows.GroupBy(r => r.Metric.Group))
            groups[group.Key] = new JsonObject(group.Select(r => KeyValuePair.Create(r.Metric.Metric, SummaryJson.Number(r.Metric.Value))));
        var columns = EvaluationTable.Latents.Columns;
        var details = new JsonArray([.. tables.Where(t => t.Table == EvaluationTable.Latents).Select(t => new JsonObject(
            t.Row.Skip(1).Select((value, i) => KeyValuePair.Create(i == 0 ? "index" : columns[i + 1],
                value is int whole ? JsonValue.Create(whole) : SummaryJson.Number((double?)value)))))]);
        var json = new JsonObject
        {
            ["eval_type_id"] = "core",
            ["eval_result_metrics"] = groups,
            ["eval_result_details"] = details,
            ["sae_lens_id"] = sae.Name,
            ["sae_lens_release_id"] = "custom",
            ["sae_cfg_dict"] = new JsonObject
            {
                ["architecture"] = sae.Architecture,
                ["d_in"] = sae.Sizes.Input,
                ["d_sae"] = sae.Sizes.Latents,
                ["hook_name"] = sae.Hook,
            },
        };
        return Encoding.UTF8.GetBytes(json.ToJsonString(Readable) + "\n");
    }
}
