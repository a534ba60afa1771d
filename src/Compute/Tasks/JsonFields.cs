using System.Text.Json;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Tasks;

/// <summary>Reads the fields of a pair written as JSON; every error names the place.</summary>
internal static class JsonFields
{
    // More answers or roles than any task has; a bound on what a hostile file can make of a line.
    private const int MaxEntries = 1000;

    public static JsonDocumentOptions Options { get; } = new() { MaxDepth = 16, AllowTrailingCommas = false };

    /// <summary>Parses one value.</summary>
    /// <param name="firstLine">The line of the file on which the text begins.</param>
    public static JsonDocument Parse(ReadOnlyMemory<byte> utf8, string file, int firstLine)
    {
        try
        {
            return JsonDocument.Parse(utf8, Options);
        }
        catch (JsonException e)
        {
            throw new StudyException("not valid JSON", new SourcePlace(file, firstLine + (int)(e.LineNumber ?? 0)).ToString(), Reason(e),
                e);
        }
    }

    /// <summary>Reads fields. A lone surrogate written as \ud800 is valid JSON and no valid text: that is said here.</summary>
    public static T Guard<T>(SourcePlace place, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException e)
        {
            throw new StudyException("a text is not valid Unicode", place.ToString(), inner: e);
        }
    }

    public static JsonElement Object(JsonElement value, SourcePlace place) =>
        value.ValueKind == JsonValueKind.Object
            ? value
            : throw new StudyException("a prompt must be a JSON object", place.ToString(), "write {\"clean\":…, \"answers\":[…]}");

    /// <summary>A field that is there and not null.</summary>
    public static JsonElement? Field(JsonElement owner, string name) =>
        owner.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>A text or a whole number as text.</summary>
    public static string? Label(JsonElement owner, string name, SourcePlace place) => Field(owner, name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } v when v.GetString() is { Length: > 0 and <= 200 } text => text,
        { ValueKind: JsonValueKind.Number } v when v.TryGetInt64(out var n) =>
            n.ToString(System.Globalization.CultureInfo.InvariantCulture),
        _ => throw new StudyException($"\"{name}\" must be a text of 1 to 200 characters", place.ToString()),
    };

    /// <summary>A prompt: a text or a list of token ids.</summary>
    public static RawTokens? Prompt(JsonElement owner, string name, SourcePlace place) => Field(owner, name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } v => new RawTokens(v.GetString(), null),
        { ValueKind: JsonValueKind.Array } v => new RawTokens(null, Integers(v, name, place)),
        _ => throw new StudyException($"\"{name}\" must be a text or a list of token ids", place.ToString()),
    };

    /// <summary>Answers: a list of texts or token ids; a single one counts as a list of one.</summary>
    public static IReadOnlyList<RawTokens> Answers(JsonElement owner, string name, SourcePlace place) => Field(owner, name) switch
    {
        null => [],
        { ValueKind: JsonValueKind.Array } v when v.GetArrayLength() > MaxEntries =>
            throw new StudyException($"\"{name}\" has more than {MaxEntries} entries", place.ToString()),
        { ValueKind: JsonValueKind.Array } v => [.. v.EnumerateArray().Select(a => Answer(a, name, place))],
        { } v => [Answer(v, name, place)],
    };

    /// <summary>Roles: an object of positions or lists of positions.</summary>
    public static IReadOnlyDictionary<string, int[]> Roles(JsonElement owner, string name, SourcePlace place)
    {
        var roles = new Dictionary<string, int[]>(StringComparer.Ordinal);
        if (Field(owner, name) is not { } value) return roles;
        if (value.ValueKind != JsonValueKind.Object)
            throw new StudyException($"\"{name}\" must be an object", place.ToString(), "write {\"end\":[-1]}");
        foreach (var role in value.EnumerateObject())
        {
            var word = role.Name;
            if (word.Length is 0 or > 100) throw new StudyException("a role's name must have 1 to 100 characters", place.ToString());
            if (roles.Count >= MaxEntries) throw new StudyException($"\"{name}\" has more than {MaxEntries} entries", place.ToString());
            roles[word] = role.Value.ValueKind == JsonValueKind.Array
                ? Integers(role.Value, word, place)
                : [Integer(role.Value, word, place)];
        }
        return roles;
    }

    private static RawTokens Answer(JsonElement value, string name, SourcePlace place) => value.ValueKind switch
    {
        JsonValueKind.String => new RawTokens(value.GetString(), null),
        JsonValueKind.Number => new RawTokens(null, [Integer(value, name, place)]),
        _ => throw new StudyException($"\"{name}\" must hold texts or token ids", place.ToString()),
    };

    private static int[] Integers(JsonElement list, string name, SourcePlace place) =>
        [.. list.EnumerateArray().Select(v => Integer(v, name, place))];

    private static int Integer(JsonElement value, string name, SourcePlace place) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var n)
            ? n
            : throw new StudyException($"\"{name}\" must hold whole numbers", place.ToString());

    private static string Reason(JsonException e)
    {
        var text = e.Message;
        var end = text.IndexOf(" LineNumber", StringComparison.Ordinal);
        return (end > 0 ? text[..end] : text).TrimEnd('.');
    }
}
