using System.Collections;
using System.Diagnostics.CodeAnalysis;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Weights;

/// <summary>
/// The key/value section of a GGUF file. Values have the .NET type of the stored one: the integers from <see cref="byte"/> to
/// <see cref="ulong"/>, <see cref="float"/>, <see cref="double"/>, <see cref="bool"/>, <see cref="string"/>, an array of one of these,
/// or <c>object[]</c> for an array of arrays. The typed readers accept every stored type that holds the value.
/// </summary>
public sealed class GgufMetadata : IReadOnlyDictionary<string, object>
{
    private readonly string _file;
    private readonly Dictionary<string, object> _values;

    internal GgufMetadata(string file, Dictionary<string, object> values)
    {
        _file = file;
        _values = values;
    }

    public int Count => _values.Count;
    public IEnumerable<string> Keys => _values.Keys;
    public IEnumerable<object> Values => _values.Values.Select(Plain);
    public object this[string key] => _values.TryGetValue(key, out var value) ? Plain(value) : throw Missing(key);

    public bool ContainsKey(string key) => _values.ContainsKey(key);

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out object value)
    {
        var found = _values.TryGetValue(key, out value);
        if (found) value = Plain(value!);
        return found;
    }

    public IEnumerator<KeyValuePair<string, object>> GetEnumerator() =>
        _values.Select(p => KeyValuePair.Create(p.Key, Plain(p.Value))).GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>A text; null where the key is absent.</summary>
    public string? Text(string key) => Read<string>(key, "a text", v => v as string);

    /// <summary>An integer of any stored width; null where the key is absent.</summary>
    public long? Integer(string key) => _values.TryGetValue(key, out var value) ? AsInteger(value) ?? throw Wrong(key, "an integer") : null;

    /// <summary>A floating-point number or an integer; null where the key is absent.</summary>
    public double? Number(string key)
    {
        if (!_values.TryGetValue(key, out var value)) return null;
        return value switch { float f => f, double d => d, _ => AsInteger(value) ?? throw Wrong(key, "a number") };
    }

    /// <summary>A truth value; null where the key is absent.</summary>
    public bool? Flag(string key) => _values.TryGetValue(key, out var value) ? value as bool? ?? throw Wrong(key, "true or false") : null;

    /// <summary>An array of texts; null where the key is absent.</summary>
    public string[]? Texts(string key) => Read(key, "an array of texts", v => (v as GgufTexts)?.Strings ?? v as string[]);

    /// <summary>An array of integers of any stored width; null where the key is absent.</summary>
    public long[]? Integers(string key) => Read(key, "an array of integers", v => v switch
    {
        long[] a => a,
        int[] a => Array.ConvertAll(a, x => (long)x),
        uint[] a => Array.ConvertAll(a, x => (long)x),
        short[] a => Array.ConvertAll(a, x => (long)x),
        ushort[] a => Array.ConvertAll(a, x => (long)x),
        sbyte[] a => Array.ConvertAll(a, x => (long)x),
        byte[] a => Array.ConvertAll(a, x => (long)x),
        ulong[] a => Array.ConvertAll(a, x => x <= long.MaxValue ? (long)x : throw Wrong(key, "an array of integers below 2^63")),
        _ => null,
    });

    /// <summary>An array of numbers; null where the key is absent.</summary>
    public double[]? Numbers(string key) => Read(key, "an array of numbers", v => v switch
    {
        float[] a => Array.ConvertAll(a, x => (double)x),
        double[] a => a,
        _ => null,
    });

    internal StudyException Missing(string key) =>
        new($"the key '{key}' is missing", _file, "the file was written by a tool that this reader does not know, or is damaged");

    internal StudyException Wrong(string key, string wanted) => new($"the key '{key}' must hold {wanted}", _file);

    private T? Read<T>(string key, string wanted, Func<object, T?> convert) where T : class =>
        _values.TryGetValue(key, out var value) ? convert(value) ?? throw Wrong(key, wanted) : null;

    private static object Plain(object value) => value is GgufTexts texts ? texts.Strings : value;

    private static long? AsInteger(object value) => value switch
    {
        long v => v,
        int v => v,
        uint v => v,
        short v => v,
        ushort v => v,
        sbyte v => v,
        byte v => v,
        ulong v when v <= long.MaxValue => (long)v,
        _ => null,
    };
}
