using System.Globalization;
using System.Text.Json.Nodes;

namespace InterpActors.Messages.Studies;

/// <summary>Where a value of a study stands: a file and a line counted from 1, or an override on the command line (line 0).</summary>
public readonly record struct SourcePlace(string File, int Line)
{
    /// <inheritdoc/>
    public override string ToString() => Line > 0 ? $"{File}:{Line}" : File;
}

/// <summary>A parsed study: objects, lists and scalars, each of which knows the line it was written on.</summary>
public abstract class StudyNode(SourcePlace place)
{
    public SourcePlace Place { get; } = place;
}

/// <summary>A value in a study file: text, number, boolean or null. The text is kept; its reader decides what it means.</summary>
public sealed class StudyScalar(string? text, bool quoted, SourcePlace place) : StudyNode(place)
{
    /// <summary>The text as written, without quotes; null for an unquoted <c>null</c>.</summary>
    public string? Text { get; } = text;

    /// <summary>True for a value in quotes, which is never a number, a boolean or null.</summary>
    public bool Quoted { get; } = quoted;

    public override string ToString() => Text ?? "null";

    /// <summary>The value as JSON: null, a boolean, a number or a text.</summary>
    public JsonNode? ToJson() => (Text, Quoted) switch
    {
        (null, _) => null,
        ("true" or "false", false) => JsonValue.Create(Text == "true"),
        (_, false) when long.TryParse(Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) =>
            JsonValue.Create(whole),
        (_, false) when AsNumber() is { } number && double.IsFinite(number) => JsonValue.Create(number),
        _ => JsonValue.Create(Text),
    };

    /// <summary>The value as a finite or infinite number; null where it is none.</summary>
    public double? AsNumber() =>
        !Quoted && double.TryParse(Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var x) ? x : null;
}

/// <summary>A list in a study file.</summary>
public sealed class StudyList(IReadOnlyList<StudyNode> items, SourcePlace place) : StudyNode(place)
{
    public IReadOnlyList<StudyNode> Items { get; } = items;
}

/// <summary>An object in a study file; its keys keep the order in which they first appeared.</summary>
public sealed class StudyObject(SourcePlace place) : StudyNode(place)
{
    private readonly Dictionary<string, StudyNode> _values = new(StringComparer.Ordinal);
    private readonly List<string> _keys = [];

    public IReadOnlyList<string> Keys => _keys;

    public StudyNode? this[string key]
    {
        get => _values.GetValueOrDefault(key);
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            if (!_values.ContainsKey(key)) _keys.Add(key);
            _values[key] = value;
        }
    }
}
