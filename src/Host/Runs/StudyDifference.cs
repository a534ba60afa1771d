using System.Text.Json;
using System.Text.Json.Nodes;

namespace InterpActors.Host.Runs;

/// <summary>Says in which keys two studies differ, from their canonical forms.</summary>
public static class StudyDifference
{
    private const int Shown = 4;

    /// <returns><c>method.by: position → role, seed: 0 → 1</c>; keys that only one has show as absent. Empty where they are
    /// equal.</returns>
    public static string Between(string before, string after)
    {
        var old = Flatten(before);
        var now = Flatten(after);
        var lines = old.Keys.Union(now.Keys)
            .Where(k => old.GetValueOrDefault(k) != now.GetValueOrDefault(k))
            .Select(k => $"{k}: {Brief(old.GetValueOrDefault(k))} → {Brief(now.GetValueOrDefault(k))}").ToList();
        return string.Join(", ", lines.Take(Shown)) + (lines.Count > Shown ? $" and {lines.Count - Shown} more" : "");
    }

    private static Dictionary<string, string> Flatten(string canonical)
    {
        var result = new Dictionary<string, string>(StringComparer.Ordinal);
        var root = JsonNode.Parse(canonical);
        Add(root is JsonObject o && o["study"] is { } study ? study : root, "");
        return result;

        void Add(JsonNode? node, string path)
        {
            if (node is JsonObject inner)
                foreach (var (key, value) in inner) Add(value, path.Length == 0 ? key : $"{path}.{key}");
            else result[path] = node is null ? "null" : node.GetValueKind() == JsonValueKind.String
                ? node.GetValue<string>() : node.ToJsonString();
        }
    }

    private static string Brief(string? value) => value is null ? "(absent)" : value.Length <= 40 ? value : value[..39] + "…";
}
