namespace InterpActors.Messages.Studies;

/// <summary>A value of a study file before <c>${…}</c> is resolved.</summary>
internal abstract class RawValue(SourcePlace place)
{
    /// <summary>A field's value stands where its key stands, so that a message about the key names the key's line.</summary>
    public SourcePlace Place { get; set; } = place;
}

/// <summary>Text, number, boolean or null (<paramref name="text"/> null).</summary>
internal sealed class RawScalar(string? text, bool quoted, SourcePlace place) : RawValue(place)
{
    public string? Text { get; } = text;
    public bool Quoted { get; } = quoted;
}

internal sealed class RawList(List<RawValue> items, SourcePlace place) : RawValue(place)
{
    public List<RawValue> Items { get; } = items;
}

/// <summary><c>${path}</c>, or <c>${?path}</c>, which is nothing at all where the path does not exist.</summary>
internal sealed class RawReference(List<string> path, bool optional, SourcePlace place) : RawValue(place)
{
    public List<string> Path { get; } = path;
    public bool Optional { get; } = optional;
}

/// <summary>Several values side by side: texts are joined (spaces between them kept), objects merged, lists appended.</summary>
internal sealed class RawSequence(List<RawValue> pieces, SourcePlace place) : RawValue(place)
{
    public List<RawValue> Pieces { get; } = pieces;
}

/// <summary>An object: for each key every definition in the order of the file, because only resolving tells which of them merge.</summary>
internal sealed class RawObject(SourcePlace place) : RawValue(place)
{
    private Dictionary<string, List<RawValue>>? _definitions;
    private List<string>? _keys;

    public IReadOnlyList<string> Keys => _keys ?? (IReadOnlyList<string>)[];

    public IReadOnlyList<RawValue> Definitions(string key) =>
        _definitions is not null && _definitions.TryGetValue(key, out var found) ? found : [];

    /// <summary>Defines a value under a dotted path, the objects between included.</summary>
    public void Add(IReadOnlyList<string> path, RawValue value)
    {
        for (var i = path.Count - 1; i > 0; i--)
        {
            var inner = new RawObject(value.Place);
            inner.Add(path[i], value);
            value = inner;
        }
        Add(path[0], value);
    }

    private void Add(string key, RawValue value)
    {
        _definitions ??= new(StringComparer.Ordinal);
        _keys ??= [];
        if (!_definitions.TryGetValue(key, out var list))
        {
            _definitions[key] = list = new(1);
            _keys.Add(key);
        }
        list.Add(value);
    }
}
