using System.Globalization;
using System.Text.Json.Nodes;

namespace InterpActors.Messages.Studies;

/// <summary>
/// Reads one object of a study with defaults, remembers which keys were asked for, and writes every value (given or default) to the
/// canonical form. <see cref="Finish"/> refuses keys that nothing read, so that a misspelt key is never a silent default.
/// </summary>
public sealed class StudySection
{
    private readonly StudyObject _source;
    private readonly string _path;
    private readonly Dictionary<string, StudySection?> _read = new(StringComparer.Ordinal);

    /// <param name="source">The object to read.</param>
    /// <param name="path">Its path for messages, e.g. <c>study.method</c>.</param>
    public StudySection(StudyObject source, string path)
    {
        _source = source;
        _path = path;
    }

    /// <summary>Every value read so far with its default filled in; keys in the order of reading.</summary>
    public JsonObject Canonical { get; } = [];

    public SourcePlace Place => _source.Place;

    /// <summary>True where the file gives the key.</summary>
    public bool Has(string key) => _source[key] is not null and not StudyScalar { Text: null };

    /// <summary>The place of a key for a message, e.g. <c>ioi.conf:12 study.method.by</c>.</summary>
    public string Where(string key) => $"{(_source[key] ?? _source).Place} {_path}.{key}";

    /// <summary>The keys that the file gives, in its order.</summary>
    public IReadOnlyList<string> Keys => _source.Keys;

    /// <summary>True where the file gives the key an object.</summary>
    public bool IsObject(string key) => _source[key] is StudyObject;

    /// <summary>True where something asked for the key; with dots for a key of an object in the section.</summary>
    public bool WasRead(string path)
    {
        var dot = path.IndexOf('.', StringComparison.Ordinal);
        return dot < 0 ? _read.ContainsKey(path) : _read.GetValueOrDefault(path[..dot])?.WasRead(path[(dot + 1)..]) == true;
    }

    /// <summary>The same section, unread, with other values for some keys.</summary>
    /// <param name="values">By key; with dots for a key of an object in the section.</param>
    /// <exception cref="StudyException">What stands before a dot is no object.</exception>
    public StudySection With(IEnumerable<KeyValuePair<string, StudyNode>> values)
    {
        var copy = Copy(_source);
        foreach (var (path, value) in values)
        {
            var (at, keys) = (copy, path.Split('.'));
            foreach (var key in keys[..^1])
            {
                at[key] = at[key] switch
                {
                    null => new StudyObject(at.Place),
                    StudyObject o => Copy(o),
                    _ => throw Wrong(keys[0], $"must be an object to hold '{path}'"),
                };
                at = (StudyObject)at[key]!;
            }
            at[keys[^1]] = value;
        }
        return new StudySection(copy, _path);
    }

    /// <summary>
    /// This section's values, unread, and beside them those of another that it does not give; objects that both give are joined likewise.
    /// Messages about it name this section. <see cref="Adopt"/> tells both what was read of it.
    /// </summary>
    public StudySection Over(StudySection common) => new(Join(_source, common._source), _path);

    /// <summary>
    /// Counts what was read of a section made from this one as read here, and writes its canonical form of some keys to this one's.
    /// </summary>
    /// <param name="read">From <see cref="Over"/> or <see cref="With"/>, of this section or a later one.</param>
    /// <param name="writes">Which keys are written.</param>
    public void Adopt(StudySection read, Func<string, bool> writes)
    {
        foreach (var (key, section) in read._read)
        {
            _read[key] = section;
            if (writes(key) && read.Canonical.TryGetPropertyValue(key, out var value)) Canonical[key] = value?.DeepClone();
        }
    }

    /// <summary>Reads a list of values of any kind; a single value counts as a list of one. Null where the key is absent.</summary>
    public IReadOnlyList<StudyScalar>? Scalars(string key)
    {
        var values = Items(key)?.ToArray();
        if (values is not null) Canonical[key] = new JsonArray([.. values.Select(v => v.ToJson())]);
        return values;
    }

    private static StudyObject Copy(StudyObject source) => Join(source, new StudyObject(source.Place));

    private static StudyObject Join(StudyObject source, StudyObject under)
    {
        var joined = new StudyObject(source.Place);
        foreach (var key in under.Keys) joined[key] = under[key]!;
        foreach (var key in source.Keys)
            joined[key] = source[key] is StudyObject own && under[key] is StudyObject common ? Join(own, common) : source[key]!;
        return joined;
    }

    /// <summary>Reads an object; an empty one where the key is absent.</summary>
    public StudySection Section(string key)
    {
        if (_read.TryGetValue(key, out var known) && known is not null) return known;
        var node = Take(key);
        var section = node switch
        {
            null => new StudySection(new StudyObject(_source.Place), $"{_path}.{key}"),
            StudyObject o => new StudySection(o, $"{_path}.{key}"),
            _ => throw Wrong(key, "must be an object", $"write {key} {{ … }}"),
        };
        Canonical[key] = section.Canonical;
        _read[key] = section;
        return section;
    }

    /// <summary>Reads a text that must be there.</summary>
    public string Text(string key) => OptionalText(key) ?? throw Missing(key);

    /// <summary>Reads a text with a default.</summary>
    public string Text(string key, string otherwise) => Write(key, Scalar(key)?.Text ?? otherwise);

    /// <summary>Reads a text that may be absent; an absent one is absent from the canonical form too.</summary>
    public string? OptionalText(string key) => Scalar(key)?.Text is { } text ? Write(key, text) : null;

    /// <summary>Reads one of a few words.</summary>
    public string OneOf(string key, IReadOnlyList<string> words, string? otherwise = null)
    {
        var text = Scalar(key)?.Text ?? otherwise ?? throw Missing(key, $"one of {string.Join(", ", words)}");
        if (!words.Contains(text)) throw Wrong(key, $"'{text}' is not known", Nearest(text, words));
        return Write(key, text);
    }

    public int Int(string key, int? otherwise = null, int min = int.MinValue, int max = int.MaxValue) =>
        (int)Long(key, otherwise, min, max);

    public long Long(string key, long? otherwise = null, long min = long.MinValue, long max = long.MaxValue)
    {
        var scalar = Scalar(key);
        long value;
        if (scalar?.Text is null) value = otherwise ?? throw Missing(key);
        else if (scalar.Quoted || !long.TryParse(scalar.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value))
            throw Wrong(key, $"'{scalar}' is not a whole number");
        if (value < min || value > max) throw Wrong(key, $"{value} is out of range", max == long.MaxValue || max == int.MaxValue
            ? $"at least {min}" : $"{min} to {max}");
        Canonical[key] = value;
        return value;
    }

    public double Number(string key, double? otherwise = null, double min = double.NegativeInfinity, double max = double.PositiveInfinity)
    {
        var scalar = Scalar(key);
        var value = scalar?.Text is null
            ? otherwise ?? throw Missing(key) : scalar.AsNumber() ?? throw Wrong(key, $"'{scalar}' is not a number");
        if (!double.IsFinite(value) || value < min || value > max) throw Wrong(key,
            $"{value.ToString(CultureInfo.InvariantCulture)} is out of range");
        Canonical[key] = value;
        return value;
    }

    public bool Flag(string key, bool otherwise)
    {
        var text = Scalar(key)?.Text;
        var value = text switch
        {
            null => otherwise,
            "true" or "yes" or "on" => true,
            "false" or "no" or "off" => false,
            _ => throw Wrong(key, $"'{text}' is neither true nor false"),
        };
        Canonical[key] = value;
        return value;
    }

    /// <summary>Reads a list of texts; a single text counts as a list of one. Null where the key is absent and there is no
    /// default.</summary>
    public IReadOnlyList<string>? Texts(string key, IReadOnlyList<string>? otherwise = null)
    {
        var values = Items(key)?.Select(s => s.Text ?? throw Wrong(key, "holds a null")).ToArray() ?? otherwise;
        if (values is not null) Canonical[key] = new JsonArray([.. values.Select(v => (JsonNode?)JsonValue.Create(v))]);
        return values;
    }

    /// <summary>Reads a list of whole numbers, each in [min, max]; null where the key is absent.</summary>
    public IReadOnlyList<int>? Ints(string key, int min = int.MinValue, int max = int.MaxValue)
    {
        var values = Items(key)?.Select(s => Whole(key, s, min, max)).ToArray();
        if (values is not null) Canonical[key] = new JsonArray([.. values.Select(v => (JsonNode?)JsonValue.Create(v))]);
        return values;
    }

    /// <summary>Reads a list of finite numbers; null where the key is absent.</summary>
    public IReadOnlyList<double>? Numbers(string key)
    {
        var values = Items(key)?.Select(s => s.AsNumber() is { } v && double.IsFinite(v) ? v : throw Wrong(key, $"'{s}' is not a number"))
            .ToArray();
        if (values is not null) Canonical[key] = new JsonArray([.. values.Select(v => (JsonNode?)JsonValue.Create(v))]);
        return values;
    }

    /// <summary>Reads a list of lists of whole numbers, each in [min, max]; null where the key is absent.</summary>
    public IReadOnlyList<IReadOnlyList<int>>? IntLists(string key, int min = int.MinValue, int max = int.MaxValue)
    {
        if (Take(key) is not { } node) return null;
        var form = $"write {key} = [[ … ], [ … ]]";
        if (node is not StudyList list) throw Wrong(key, "must be a list of lists", form);
        var values = list.Items.Select(i => i is StudyList inner
            ? inner.Items.Select(v => Whole(key, v as StudyScalar ?? throw Wrong(key, "must be a list of lists", form), min, max)).ToArray()
            : throw Wrong(key, "must be a list of lists", form)).ToArray();
        Canonical[key] = new JsonArray([.. values.Select(inner =>
            (JsonNode?)new JsonArray([.. inner.Select(v => (JsonNode?)JsonValue.Create(v))]))]);
        return values;
    }

    /// <summary>Writes a fact that the file does not hold (a content hash, say) to the canonical form.</summary>
    public void Record(string key, string value)
    {
        _read.TryAdd(key, null);
        Canonical[key] = value;
    }

    /// <summary>Writes a list that the file does not hold (what was found in a folder, say) to the canonical form.</summary>
    public void Record(string key, IReadOnlyList<string> values)
    {
        _read.TryAdd(key, null);
        Canonical[key] = new JsonArray([.. values.Select(v => (JsonNode?)JsonValue.Create(v))]);
    }

    /// <summary>The same for whole numbers.</summary>
    public void Record(string key, IReadOnlyList<int> values)
    {
        _read.TryAdd(key, null);
        Canonical[key] = new JsonArray([.. values.Select(v => (JsonNode?)JsonValue.Create(v))]);
    }

    /// <summary>Refuses every key of this section, and of the sections read from it, that nothing asked for.</summary>
    /// <exception cref="StudyException">Names the first such key, its line and the nearest known key.</exception>
    public void Finish()
    {
        foreach (var key in _source.Keys)
        {
            if (!_read.TryGetValue(key, out var section))
                throw new StudyException($"unknown key '{_path}.{key}'", _source[key]!.Place.ToString(), Nearest(key, [.. _read.Keys]));
            section?.Finish();
        }
    }

    public StudyException Wrong(string key, string problem, string? remedy = null) => new(problem, Where(key), remedy);

    /// <summary>"did you mean 'x'?" or the list of what is known.</summary>
    public static string Nearest(string word, IReadOnlyList<string> known)
    {
        if (known.Count == 0) return "no keys are known here";
        var best = known.MinBy(k => Distance(word, k))!;
        return Distance(word, best) <= Math.Max(2, word.Length / 3)
            ? $"did you mean '{best}'?" : $"known: {string.Join(", ", known.Take(40))}";
    }

    /// <summary>Says that a key must be there, or, where one is there that looks like it, that this one is misspelt.</summary>
    public StudyException Missing(string key, string? remedy = null)
    {
        var near = _source.Keys.Where(k => !_read.ContainsKey(k)).MinBy(k => Distance(k, key));
        return near is not null && Distance(near, key) <= Math.Max(2, key.Length / 3)
            ? new($"unknown key '{_path}.{near}'", _source[near]!.Place.ToString(), $"did you mean '{key}'?")
            : new($"key '{_path}.{key}' is missing", _source.Place.ToString(), remedy);
    }

    private int Whole(string key, StudyScalar scalar, int min, int max)
    {
        if (scalar.Quoted || !int.TryParse(scalar.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var v))
            throw Wrong(key, $"'{scalar}' is not a whole number");
        if (v < min || v > max) throw Wrong(key, $"{v} is out of range", $"{min} to {max}");
        return v;
    }

    private StudyNode? Take(string key)
    {
        _read.TryAdd(key, null);
        return _source[key];
    }

    private StudyScalar? Scalar(string key) => Take(key) switch
    {
        null => null,
        StudyScalar s => s,
        _ => throw Wrong(key, "must be a single value"),
    };

    private IEnumerable<StudyScalar>? Items(string key) => Take(key) switch
    {
        null => null,
        StudyScalar { Text: null } => null,
        StudyScalar s => [s],
        StudyList l => l.Items.Select(i => i as StudyScalar ?? throw Wrong(key, "must be a list of single values")),
        _ => throw Wrong(key, "must be a list", $"write {key} = [ … ]"),
    };

    private string Write(string key, string value)
    {
        Canonical[key] = value;
        return value;
    }

    private static int Distance(string a, string b)
    {
        if (a.Length > 64 || b.Length > 64) return int.MaxValue;
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var corner = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
                (corner, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, corner + (a[i - 1] == b[j - 1] ? 0 : 1)));
        }
        return row[b.Length];
    }
}
