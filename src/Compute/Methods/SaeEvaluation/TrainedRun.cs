using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using InterpActors.Compute.Studies;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Methods.SaeEvaluation;

/// <summary>The dictionaries of a run folder of kind <c>sae-training</c>, by what its <c>manifest.json</c> says.</summary>
internal static class TrainedRun
{
    private const string Kind = "sae-training";
    private const string Journal = "journal.db";

    /// <summary>
    /// The units of the run and where in its folder their dictionaries are. A study that was planned before keeps those it was planned
    /// with: the run's own files need not be on every machine.
    /// </summary>
    /// <param name="from">The run folder as the study writes it.</param>
    /// <returns>A unit's name and its dictionary's path, as the study would write it.</returns>
    /// <exception cref="StudyException">It is no such run, or not over, or a unit has no dictionary.</exception>
    public static IReadOnlyList<(string Unit, string Path)> Dictionaries(
        StudySection method, string from, StudyContext study, bool isPlanned)
    {
        if (isPlanned)
            return [.. method.Texts("units")!.Zip(method.Texts("folders")!, (unit, folder) => (unit, Join(from, folder)))];
        var manifest = Read(method, from, study);
        var trained = (manifest["method"]?["dictionaries"] as JsonObject)?.Select(d => d.Key).ToArray() ?? [];
        var saved = Saved(manifest["artifacts"] as JsonObject ?? []);
        var asked = method.Texts("units") ?? trained;
        if (asked.Count == 0) throw method.Wrong("from", $"'{from}' has trained no SAE");
        foreach (var unit in asked)
        {
            if (!trained.Contains(unit)) throw method.Wrong("units", $"'{from}' has no '{unit}'", StudySection.Nearest(unit, trained));
            if (!saved.ContainsKey(unit))
                throw method.Wrong("from", $"'{from}' has not trained '{unit}' to its end",
                    "run it again, or name others with units = [ … ]");
        }
        if (asked.Distinct().Count() < asked.Count) throw method.Wrong("units", "names an SAE twice");
        method.Record("units", asked);
        method.Record("folders", [.. asked.Select(u => saved[u])]);
        return [.. asked.Select(u => (u, Join(from, saved[u])))];
    }

    /// <summary>By unit, where in the run folder its dictionary is; its checkpoints are in folders beside that.</summary>
    private static Dictionary<string, string> Saved(JsonObject artifacts)
    {
        var saved = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, _) in artifacts)
        {
            if (name.Split('/') is [var unit, var folder, "cfg.json"] && !folder.StartsWith("checkpoint-", StringComparison.Ordinal))
                saved.TryAdd(unit, $"{unit}/{folder}");
        }
        return saved;
    }

    private static JsonObject Read(StudySection method, string from, StudyContext study)
    {
        var (manifest, summary) = (Parse(method, from, study, "manifest.json"), Parse(method, from, study, "summary.json"));
        if (manifest is null || summary is null)
        {
            var folder = study.Folder.PathOf(from);
            if (!Directory.Exists(folder))
                throw method.Wrong("from", $"{from}: {(File.Exists(folder) ? "a file, not a folder" : "there is no such folder")}",
                    "name the folder of a training run");
            throw File.Exists(Path.Combine(folder, Journal))
                ? method.Wrong("from", $"the run in '{from}' is not over", "run it to its end first")
                : method.Wrong("from", $"'{from}' is no run folder", "name a folder that interp run, or interp report, has written");
        }
        if (Text(manifest["kind"]) is var kind && kind != Kind)
            throw method.Wrong("from", $"the run in '{from}' is of kind {kind}", $"a run of kind {Kind} is needed");
        var state = Text(summary["state"]);
        return state is "completed" or "completed-with-errors" ? manifest
            : throw method.Wrong("from", $"the run in '{from}' is not over: {state}", "run it to its end first");
    }

    /// <summary>
    /// A file of the run; null where it is not there. It goes wherever the study is read from its source, but the study does not depend on
    /// its bytes, which hold times.
    /// </summary>
    private static JsonObject? Parse(StudySection method, string from, StudyContext study, string name)
    {
        var path = Join(from, name);
        var file = study.Folder.PathOf(path);
        if (!File.Exists(file)) return null;
        try
        {
            var bytes = File.ReadAllBytes(file);
            study.Folder.Note(path, null, Convert.ToHexStringLower(SHA256.HashData(bytes)), bytes.Length);
            return JsonNode.Parse(bytes) as JsonObject ?? throw new JsonException("no object");
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw method.Wrong("from", $"{path} cannot be read: {e.Message.Split('\n')[0]}", "is it the folder of a run?");
        }
    }

    private static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private static string Join(string from, string folder) => $"{from.TrimEnd('/', '\\')}/{folder}";
}
