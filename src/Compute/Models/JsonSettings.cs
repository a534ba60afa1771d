using System.Text.Json;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Models;

/// <summary>Typed reading of a model's <c>config.json</c>. A key that is null counts as absent; keys that are not asked for are
/// ignored.</summary>
internal sealed class JsonSettings
{
    private const long LargestFile = 8L << 20;

    private readonly JsonElement _root;
    private readonly string _file;
    private readonly string _prefix;

    private JsonSettings(JsonElement root, string file, string prefix)
    {
        _root = root;
        _file = file;
        _prefix = prefix;
    }

    /// <exception cref="StudyException">The file is missing or no JSON object.</exception>
    public static JsonSettings Open(string path)
    {
        try
        {
            if (!File.Exists(path)) throw new StudyException("the file does not exist", path, "a model folder needs config.json");
            using var stream = File.OpenRead(path);
            if (stream.Length > LargestFile) throw new StudyException($"{stream.Length} bytes are too many for a configuration", path);
            using var document = JsonDocument.Parse(stream);
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw new StudyException("this is not a JSON object", path);
            return new JsonSettings(document.RootElement.Clone(), path, "");
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new StudyException($"the file cannot be read ({e.Message.TrimEnd('.')})", path, inner: e);
        }
    }

    public IEnumerable<string> Keys => _root.EnumerateObject().Select(p => p.Name);

    /// <summary>A whole number that must be there, under the first of its spellings that is.</summary>
    public int Int(int min, int max, params string[] spellings) => OptionalInt(min, max, spellings) ?? throw Missing(spellings[0]);

    public int? OptionalInt(int min, int max, params string[] spellings)
    {
        foreach (var key in spellings)
        {
            if (Find(key) is not { } value) continue;
            if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt32(out var number) || number < min || number > max)
                throw Wrong(key, $"a whole number from {min} to {max}");
            return number;
        }
        return null;
    }

    public double? Number(params string[] spellings)
    {
        foreach (var key in spellings)
        {
            if (Find(key) is not { } value) continue;
            if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out var number) || !double.IsFinite(number))
                throw Wrong(key, "a number");
            return number;
        }
        return null;
    }

    public double Positive(double otherwise, params string[] spellings) =>
        Number(spellings) is not { } value ? otherwise : value > 0 ? value : throw Wrong(spellings[0], "a number above 0");

    public bool Flag(string key, bool otherwise) => Find(key) is not { } value ? otherwise : value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Wrong(key, "true or false"),
    };

    public string? Text(string key) => Find(key) is not { } value ? null : AsText(value) ?? throw Wrong(key, "a text");

    public IReadOnlyList<string>? Texts(string key)
    {
        if (Find(key) is not { } value) return null;
        if (value.ValueKind != JsonValueKind.Array) throw Wrong(key, "an array of texts");
        return [.. value.EnumerateArray().Select(item => AsText(item) ?? throw Wrong(key, "an array of texts"))];
    }

    /// <summary>A nested object; null where it is absent.</summary>
    public JsonSettings? Section(string key)
    {
        if (Find(key) is not { } value) return null;
        return value.ValueKind == JsonValueKind.Object ? new JsonSettings(value, _file, $"{_prefix}{key}.") : throw Wrong(key, "an object");
    }

    public StudyException Missing(string key) => new($"the key '{_prefix}{key}' is missing", _file);

    public StudyException Wrong(string key, string wanted) => new($"the key '{_prefix}{key}' must hold {wanted}", _file);

    public StudyException Unsupported(string problem, string? remedy = null) => new(problem, _file, remedy);

    private JsonElement? Find(string key) =>
        _root.TryGetProperty(key, out var value) && value.ValueKind is not JsonValueKind.Null ? value : null;

    private static string? AsText(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String) return null;
        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            // An escaped half of a surrogate pair is no text.
            return null;
        }
    }
}
