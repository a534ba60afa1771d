using System.Text.Json;
using System.Text.Json.Nodes;

namespace InterpActors.Compute.SmallModels;

/// <summary>Writes small JSON files of a model's folder, the same bytes on every platform.</summary>
internal static class JsonFile
{
    public static void Write(string path, JsonObject content) =>
        File.WriteAllText(path, content.ToJsonString(new JsonSerializerOptions { WriteIndented = true, NewLine = "\n" }) + "\n");
}
