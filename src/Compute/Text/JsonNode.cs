using System.Text;
using System.Text.Json;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Text;

/// <summary>A place in a JSON file whose every reading either has the wanted type or says file, path and what was expected.</summary>
internal readonly struct JsonNode
{
    private const long LargestFile = 128L << 20;

    private readonly JsonElement _element;
    private readonly string _parent;
    private readonly string? _name;
    private readonly int _index;

    private JsonNode(JsonElement element, string file, string parent, string? name, int index = -1)
    {
        _element = element;
        File = file;
        (_parent, _name, _index) = (parent, name, index);
    }

    internal string File { get; }

    /// <summary>Where in the file, e.g. <c>model.merges[3]</c>; empty for the whole file.</summary>
    internal string Path => _index >= 0 ? $"{_parent}[{_index}]" : _name is null ? "" : _parent.Length == 0 ? _name : $"{_parent}.{_name}";

    internal string Where => Path.Length == 0 ? File : $"{File}: {Path}";

    /// <summary>Reads a file whole. The element is detached from the reader's pooled memory.</summary>
    /// <exception cref="StudyException">No JSON, or not readable.</exception>
    internal static JsonNode Read(string file)
    {
        byte[] bytes;
        try
        {
            if (new FileInfo(file).Length > LargestFile) throw new StudyException("the file is larger than 128 MiB", file);
            bytes = System.IO.File.ReadAllBytes(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StudyException($"cannot be read ({e.Message})", file, inner: e);
        }
        return Parse(bytes, file);
    }

    /// <exception cref="StudyException">No JSON.</exception>
    internal static JsonNode Parse(ReadOnlyMemory<byte> bytes, string file)
    {
        if (bytes.Span.StartsWith(Encoding.UTF8.Preamble)) bytes = bytes[Encoding.UTF8.Preamble.Length..];
        try
        {
            return new JsonNode(JsonDocument.Parse(bytes).RootElement, file, "", null);
        }
        catch (JsonException e)
        {
            var line = e.LineNumber is { } number ? $"{file}:{number + 1}" : file;
            throw new StudyException("this is not JSON", line, "the file may be cut short or damaged", e);
        }
    }

    internal bool IsNull => _element.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined;

    internal bool IsObject => _element.ValueKind == JsonValueKind.Object;

    internal bool IsArray => _element.ValueKind == JsonValueKind.Array;

    internal bool IsText => _element.ValueKind == JsonValueKind.String;

    /// <summary>True, false, or null where the value is no boolean.</summary>
    internal bool? AsFlag => _element.ValueKind switch { JsonValueKind.True => true, JsonValueKind.False => false, _ => null };

    /// <summary>A member; one that is absent reads as null.</summary>
    internal JsonNode this[string name]
    {
        get
        {
            if (!IsObject) throw Wrong("an object");
            return new JsonNode(_element.TryGetProperty(name, out var value) ? value : default, File, Path, name);
        }
    }

    internal string Text
    {
        get
        {
            if (!IsText) throw Wrong("a text");
            try
            {
                return _element.GetString()!;
            }
            catch (InvalidOperationException e)
            {
                throw new StudyException("the text is not valid Unicode", Where, inner: e);
            }
        }
    }

    internal int Integer => _element.ValueKind == JsonValueKind.Number && _element.TryGetInt32(out var value)
        ? value
        : throw Wrong("an integer");

    /// <summary>A token id: an integer from 0 to 2²⁴.</summary>
    internal int TokenId => Integer is var id and >= 0 and <= 1 << 24 ? id : throw Wrong("a token id");

    internal bool Flag(bool absent) => IsNull ? absent : AsFlag ?? throw Wrong("true or false");

    internal string TextOr(string absent) => IsNull ? absent : Text;

    internal IEnumerable<JsonNode> Items
    {
        get
        {
            if (!IsArray) throw Wrong("a list");
            var (file, path) = (File, Path);
            return _element.EnumerateArray().Select((item, i) => new JsonNode(item, file, path, null, i));
        }
    }

    internal int Count => IsArray ? _element.GetArrayLength() : throw Wrong("a list");

    internal IEnumerable<(string Name, JsonNode Value)> Members
    {
        get
        {
            if (!IsObject) throw Wrong("an object");
            return Enumerate(_element, File, Path);
        }
    }

    internal StudyException Wrong(string expected) => new($"expected {expected}, found {Describe()}", Where);

    internal StudyException Unsupported(string what, string supported) => new($"{what} is not supported", Where, $"supported: {supported}");

    private string Describe() => _element.ValueKind switch
    {
        JsonValueKind.Undefined => "nothing",
        JsonValueKind.Null => "null",
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "a text",
        JsonValueKind.Number => "a number",
        _ => "true or false",
    };

    private static IEnumerable<(string, JsonNode)> Enumerate(JsonElement element, string file, string path)
    {
        foreach (var member in element.EnumerateObject())
        {
            string name;
            try
            {
                name = member.Name;
            }
            catch (InvalidOperationException e)
            {
                throw new StudyException("a name is not valid Unicode", path.Length == 0 ? file : $"{file}: {path}", inner: e);
            }
            yield return (name, new JsonNode(member.Value, file, path, name));
        }
    }
}
