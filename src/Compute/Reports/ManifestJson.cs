using System.Text.Json.Nodes;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Reports;

/// <summary><c>manifest.json</c>: all that another person needs to get the same numbers again, and hashes to see that they did.</summary>
public static class ManifestJson
{
    /// <param name="artifacts">Name to SHA-256.</param>
    /// <param name="files">SHA-256 of the result tables by file name.</param>
    public static JsonObject Build(
        StudyResult result, MachineFacts machine, IReadOnlyDictionary<string, string> artifacts, IReadOnlyDictionary<string, string> files)
    {
        var study = result.Plan.Study;
        var canonical = JsonNode.Parse(study.Canonical)!;
        return new JsonObject
        {
            ["study"] = canonical,
            ["id"] = study.Id.Value,
            ["name"] = study.Name,
            ["kind"] = study.Kind,
            ["source"] = study.Source,
            ["folder"] = study.Folder,
            ["model"] = Model(result.Model),
            ["dtype"] = result.Model?.Dtype,
            ["threads"] = study.Execution.Threads,
            ["matmul"] = study.Execution.Matmul,
            ["device"] = study.Execution.DeviceKind,
            ["seeds"] = new JsonObject { ["study"] = Seed(canonical) },
            ["code"] = new JsonObject
            {
                ["version"] = machine.CodeVersion,
                ["computed_by"] = Versions(result.History),
                ["runtime"] = machine.Runtime,
                ["torch"] = machine.Torch,
            },
            ["hardware"] = new JsonObject
            {
                ["cpu"] = machine.Cpu,
                ["cores"] = machine.Cores,
                ["memory_bytes"] = machine.MemoryBytes,
                ["system"] = machine.System,
            },
            ["method"] = result.Manifest.DeepClone(),
            ["files"] = Hashes(files),
            ["artifacts"] = Hashes(artifacts),
            ["processes"] = SummaryJson.Processes(result.History),
        };
    }

    private static JsonObject? Model(ModelView? model) => model is null ? null : new JsonObject
    {
        ["name"] = model.Name,
        ["family"] = model.Family,
        ["layers"] = model.Layers,
        ["heads"] = model.Heads,
        ["parameters"] = model.Parameters,
        ["sha256"] = model.Sha256,
        ["path"] = model.Path,
        ["processing"] = model.Processing,
    };

    /// <summary>The versions of the programs whose units are in the results: several after an upgrade.</summary>
    private static JsonArray Versions(RunHistory history) => new(
        [.. history.Processes.Where(p => p.UnitsCommitted > 0).Select(p => ProcessName.VersionOf(p.Process)).OfType<string>()
            .Distinct().Order(StringComparer.Ordinal).Select(v => (JsonNode?)JsonValue.Create(v))]);

    /// <summary>The study's seed from its canonical form, which holds the study's keys at its root or under <c>study</c>.</summary>
    public static long? Seed(JsonNode canonical)
    {
        var study = canonical["study"] ?? canonical;
        return study["seed"] is JsonValue value && value.TryGetValue<long>(out var seed) ? seed : null;
    }

    private static JsonObject Hashes(IReadOnlyDictionary<string, string> hashes) =>
        new(hashes.Select(h => KeyValuePair.Create(h.Key, (JsonNode?)h.Value)));
}
