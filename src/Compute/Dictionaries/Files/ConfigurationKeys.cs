using System.Text.Json;
using System.Text.Json.Nodes;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Dictionaries.Files;

/// <summary>The keys of a JSON configuration, read with their types; every complaint names file and key.</summary>
internal sealed class ConfigurationKeys
{
    private const long LargestFile = 16 << 20;

    private readonly string _file;

    private ConfigurationKeys(string file, JsonObject keys) => (_file, Json) = (file, keys);

    public JsonObject Json { get; }

    /// <exception cref="StudyException">The file is missing or no JSON object.</exception>
    public static ConfigurationKeys Read(string file)
    {
        try
        {
            if (new FileInfo(file).Length > LargestFile)
                throw new StudyException($"a configuration of more than {LargestFile >> 20} MiB is not read", file);
            // Python writes NaN and Infinity, which JSON lacks; none of the keys may be one, so the parser's complaint is right.
            return JsonNode.Parse(File.ReadAllText(file)) is JsonObject keys
                ? new ConfigurationKeys(file, keys)
                : throw new StudyException("it holds no JSON object", file);
        }
        catch (JsonException e)
        {
            throw new StudyException($"it is no JSON: {e.Message}", file, null, e);
        }
        catch (ArgumentException e)
        {
            throw new StudyException($"a key is there twice: {e.Message}", file, null, e);
        }
    }

    public bool Has(string key) => Json.TryGetPropertyValue(key, out var value) && value is not null;

    public string Text(string key, string? otherwise = null) => Value<string>(key, "a text") ?? otherwise ?? throw Missing(key);

    public bool Flag(string key, bool? otherwise = null) => Value<bool?>(key, "true or false") ?? otherwise ?? throw Missing(key);

    public double Number(string key, double? otherwise = null) => Value<double?>(key, "a number") ?? otherwise ?? throw Missing(key);

    /// <summary>A whole number of at least 1; <c>8.0</c> is one.</summary>
    public int Count(string key, int? otherwise = null)
    {
        if (!Has(key)) return otherwise ?? throw Missing(key);
        var number = Number(key);
        return number is >= 1 and <= int.MaxValue && number == Math.Floor(number)
            ? (int)number
            : throw Wrong(key, "a whole number of at least 1");
    }

    public IReadOnlyList<int> Counts(string key)
    {
        if (!Has(key)) return [];
        return Json[key] is JsonArray array && array.All(a => a is JsonValue v && v.TryGetValue<int>(out var n) && n > 0)
            ? [.. array.Select(a => a!.GetValue<int>())]
            : throw Wrong(key, "a list of whole numbers");
    }

    public StudyException Wrong(string key, string wanted) =>
        new($"'{key}' is {Json[key]?.ToJsonString() ?? "missing"}, {wanted} is needed", _file);

    private StudyException Missing(string key) => new($"'{key}' is missing", _file);

    private T? Value<T>(string key, string wanted)
    {
        if (!Has(key)) return default;
        return Json[key] is JsonValue value && value.TryGetValue<T>(out var found) ? found : throw Wrong(key, wanted);
    }
}
