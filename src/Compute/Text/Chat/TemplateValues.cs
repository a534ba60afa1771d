using System.Globalization;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Text.Chat;

/// <summary>What operators, filters, tests and methods of a template do with values (Python's rules).</summary>
internal static class TemplateValues
{
    private const string SupportedHint = "supported: chat templates of the ChatML kind (loops, conditions, texts, roles and contents)";

    internal static bool IsTrue(object? value) => value switch
    {
        null => false,
        bool b => b,
        long n => n != 0,
        string s => s.Length > 0,
        List<object?> list => list.Count > 0,
        Dictionary<string, object?> map => map.Count > 0,
        _ => value != TemplateScope.Undefined,
    };

    internal static string ToText(object? value) => value switch
    {
        null => "None",
        true => "True",
        false => "False",
        long n => n.ToString(CultureInfo.InvariantCulture),
        string s => s,
        _ when value == TemplateScope.Undefined => "",
        _ => throw Unsupported("writing a list or mapping"),
    };

    internal static bool AreEqual(object? a, object? b) => a is List<object?> left && b is List<object?> right
        ? left.Count == right.Count && left.Zip(right).All(p => AreEqual(p.First, p.Second))
        : Equals(a, b);

    internal static object? Add(object? a, object? b) => (a, b) switch
    {
        (string x, string y) => x + y,
        (long x, long y) => x + y,
        (List<object?> x, List<object?> y) => x.Concat(y).ToList(),
        _ => throw Unsupported($"adding {Kind(b)} to {Kind(a)}"),
    };

    internal static object? Arithmetic(string operation, object? a, object? b)
    {
        if (a is not long x || b is not long y) throw Unsupported($"'{operation}' between {Kind(a)} and {Kind(b)}");
        if (operation is "%" or "//" && y == 0) throw Unsupported("a division by zero");
        return operation switch
        {
            "-" => x - y,
            "*" => x * y,
            "%" => ((x % y) + y) % y,
            "//" => (long)Math.Floor((decimal)x / y),
            _ => throw Unsupported($"the operator '{operation}'"),
        };
    }

    internal static bool Compare(string operation, object? a, object? b)
    {
        var order = (a, b) switch
        {
            (long x, long y) => x.CompareTo(y),
            (string x, string y) => string.CompareOrdinal(x, y),
            _ => throw Unsupported($"comparing {Kind(a)} with {Kind(b)}"),
        };
        return operation switch { "<" => order < 0, "<=" => order <= 0, ">" => order > 0, _ => order >= 0 };
    }

    internal static bool Contains(object? container, object? item) => container switch
    {
        string s when item is string part => s.Contains(part, StringComparison.Ordinal),
        List<object?> list => list.Any(i => AreEqual(i, item)),
        Dictionary<string, object?> map => item is string key && map.ContainsKey(key),
        _ when container == TemplateScope.Undefined => false,
        _ => throw Unsupported($"looking into {Kind(container)}"),
    };

    internal static object? Member(object? value, object? key)
    {
        if (value == TemplateScope.Undefined) throw Unsupported($"the member '{ToText(key)}' of something undefined");
        if (value is Dictionary<string, object?> map && key is string name) return map.GetValueOrDefault(name, TemplateScope.Undefined);
        if (key is not long index) return TemplateScope.Undefined;
        return value switch
        {
            List<object?> list when Place(index, list.Count) is { } at => list[at],
            string text when Place(index, text.Length) is { } at => text[at].ToString(),
            _ => TemplateScope.Undefined,
        };
    }

    internal static object? Slice(object? value, object? from, object? to, object? step)
    {
        if (step is long and not 1 and not -1) throw Unsupported("a slice with steps");
        var length = value switch
        {
            string s => s.Length,
            List<object?> l => l.Count,
            _ => throw Unsupported($"a slice of {Kind(value)}"),
        };
        if (step is -1L && (from is not null || to is not null)) throw Unsupported("a reversed slice with bounds");
        var start = Bound(from, 0, length);
        var end = Math.Max(start, Bound(to, length, length));
        if (value is string text) return step is -1L ? string.Concat(text.Reverse()) : text[start..end];
        var items = ((List<object?>)value!)[start..end];
        if (step is -1L) items.Reverse();
        return items;
    }

    internal static object? Filter(string name, object? value, List<object?> arguments) => (name, value) switch
    {
        ("trim", _) => ToText(value).Trim(),
        ("upper", _) => ToText(value).ToUpperInvariant(),
        ("lower", _) => ToText(value).ToLowerInvariant(),
        ("string", _) => ToText(value),
        ("length" or "count", string s) => (long)s.Length,
        ("length" or "count", List<object?> l) => (long)l.Count,
        ("length" or "count", Dictionary<string, object?> m) => (long)m.Count,
        ("first", List<object?> l) => l.Count > 0 ? l[0] : TemplateScope.Undefined,
        ("last", List<object?> l) => l.Count > 0 ? l[^1] : TemplateScope.Undefined,
        ("list", List<object?> l) => l,
        ("join", List<object?> l) => string.Join(arguments.Count > 0 ? ToText(arguments[0]) : "", l.Select(ToText)),
        ("default" or "d", _) => value != TemplateScope.Undefined ? value : arguments.Count > 0 ? arguments[0] : "",
        _ => throw Unsupported($"the filter '{name}' on {Kind(value)}"),
    };

    internal static bool Test(string name, object? value) => name switch
    {
        "defined" => value != TemplateScope.Undefined,
        "undefined" => value == TemplateScope.Undefined,
        "none" => value is null,
        "string" => value is string,
        "number" or "integer" => value is long,
        "boolean" => value is bool,
        "true" => value is true,
        "false" => value is false,
        "mapping" => value is Dictionary<string, object?>,
        "sequence" or "iterable" => value is string or List<object?> or Dictionary<string, object?>,
        _ => throw Unsupported($"the test '{name}'"),
    };

    internal static object? Method(object? value, string name, List<object?> arguments)
    {
        var argument = arguments.Count > 0 ? arguments[0] as string : null;
        return (value, name) switch
        {
            (string s, "strip") => argument is null ? s.Trim() : s.Trim(argument.ToCharArray()),
            (string s, "lstrip") => argument is null ? s.TrimStart() : s.TrimStart(argument.ToCharArray()),
            (string s, "rstrip") => argument is null ? s.TrimEnd() : s.TrimEnd(argument.ToCharArray()),
            (string s, "upper") => s.ToUpperInvariant(),
            (string s, "lower") => s.ToLowerInvariant(),
            (string s, "startswith") when argument is not null => s.StartsWith(argument, StringComparison.Ordinal),
            (string s, "endswith") when argument is not null => s.EndsWith(argument, StringComparison.Ordinal),
            (string s, "split") when argument is { Length: > 0 } => s.Split(argument).Cast<object?>().ToList(),
            (Dictionary<string, object?> m, "get") when argument is not null =>
                m.TryGetValue(argument, out var found) ? found : arguments.Count > 1 ? arguments[1] : null,
            _ => throw Unsupported($"the method '{name}' of {Kind(value)}"),
        };
    }

    internal static StudyException Unsupported(string what) => new($"the chat template needs {what}, which is not supported",
        remedy: SupportedHint);

    private static int? Place(long index, int length)
    {
        if (index < 0) index += length;
        return index >= 0 && index < length ? (int)index : null;
    }

    private static int Bound(object? bound, int absent, int length) => bound switch
    {
        null => absent,
        long n => (int)Math.Clamp(n < 0 ? n + length : n, 0, length),
        _ => throw Unsupported("a slice by something that is no number"),
    };

    private static string Kind(object? value) => value switch
    {
        null => "none",
        string => "a text",
        long => "a number",
        bool => "a truth value",
        List<object?> => "a list",
        Dictionary<string, object?> => "a mapping",
        _ => "something undefined",
    };
}
