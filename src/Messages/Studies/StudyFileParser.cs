using System.Globalization;
using System.Text;

namespace InterpActors.Messages.Studies;

/// <summary>Turns the text of a study file into raw values: one pass, no backtracking, bounded depth and number of values.</summary>
internal sealed class StudyFileParser(string text, string fileName, bool isOverride = false)
{
    internal const int MaximumDepth = 64;
    internal const int MaximumValues = 50_000;
    private const int MaximumKey = 256;
    private const string Forbidden = "$\"{}[]:=,#`^?!@*&\\";
    private const int Longest = 40;

    private int _at = text.StartsWith('\uFEFF') ? 1 : 0;
    private int _line = 1;
    private int _values;

    private SourcePlace Here => new(fileName, isOverride ? 0 : _line);
    private char Current => _at < text.Length ? text[_at] : '\0';
    private bool AtEnd => _at >= text.Length;

    /// <summary>A whole file: an object, its braces optional.</summary>
    public RawObject ParseFile()
    {
        SkipBlank();
        RawObject root;
        if (Current == '[') throw Wrong("a study file holds an object, not a list", "write study { … }");
        if (Current == '{')
        {
            root = ParseObject(1);
            SkipBlank();
            if (!AtEnd) throw Wrong($"{Shown()} after the closing brace of the file", "remove it or the brace before it");
        }
        else
        {
            root = new RawObject(Here);
            ParseFields(root, 1, closing: false);
        }
        return root;
    }

    /// <summary>Just a dotted key.</summary>
    public List<string> ParseKeyOnly()
    {
        var path = ParsePath();
        if (!AtEnd) throw Wrong($"{Shown()} in a key", "put the part in quotes");
        return path;
    }

    /// <summary>A value from the command line: a list, object, quoted text or reference where it begins like one, else text as it
    /// stands.</summary>
    public RawValue ParseOverrideValue()
    {
        if (!"[{\"$".Contains(Current)) return new RawScalar(text == "null" ? null : text, quoted: false, Here);
        var value = ParseValue(1);
        SkipBlank();
        if (!AtEnd) throw Wrong($"{Shown()} after the value", "put the whole value in quotes");
        return value;
    }

    private RawObject ParseObject(int depth)
    {
        CheckDepth(depth);
        var result = new RawObject(Here);
        var opened = _line;
        _at++;
        ParseFields(result, depth, closing: true, opened);
        return result;
    }

    private void ParseFields(RawObject into, int depth, bool closing, int opened = 0)
    {
        SkipBlank();
        while (true)
        {
            if (AtEnd)
            {
                if (closing) throw Wrong($"the file ends inside the object opened on line {opened}", "add the missing '}'");
                return;
            }
            if (Current == '}')
            {
                if (!closing) throw Wrong("'}' closes nothing", "remove it");
                _at++;
                return;
            }
            ParseField(into, depth);
            Separate('}');
        }
    }

    private void ParseField(RawObject into, int depth)
    {
        var place = Here;
        var start = _at;
        var path = ParsePath();
        CheckDepth(depth + path.Count - 1);
        var name = Brief(text[start.._at]);
        SkipSpaces();
        if (path is ["include"] && text[start] == 'i'
            && (Current == '"' || Rest("file(") || Rest("url(") || Rest("classpath(") || Rest("required(")))
            throw Wrong("'include' is not supported in study files", "copy what is needed into the file");
        if (Current == '+' && Peek(1) == '=') throw Wrong($"'+=' is not supported (key '{name}')", "write the whole list after '='");
        if (Current is '=' or ':')
        {
            _at++;
            SkipBlank();
        }
        else
        {
            SkipBlank();
            if (Current != '{')
                throw new StudyException($"no '=' after key '{name}'", place.ToString(), $"write {name} = … or {name} {{ … }}");
        }
        if (AtEnd || Current is '}' or ']' or ',') throw new StudyException($"key '{name}' has no value", place.ToString(),
            "write one after '='");
        var value = ParseValue(depth + path.Count);
        value.Place = place;
        Count(path.Count);
        into.Add(path, value);
    }

    private List<string> ParsePath()
    {
        var path = new List<string>();
        while (true)
        {
            string part;
            if (Current == '"') part = ParseQuoted();
            else
            {
                var start = _at;
                while (!AtEnd && IsUnquoted() && Current is not '.' && !char.IsWhiteSpace(Current)) _at++;
                if (_at == start) throw Wrong(AtEnd ? "a key is missing" : $"{Shown()} where a key should be",
                    "keys with such characters need quotes");
                part = text[start.._at];
            }
            if (part.Length > MaximumKey) throw Wrong($"a key of {part.Length} characters", $"at most {MaximumKey}");
            path.Add(part);
            if (path.Count > MaximumDepth) throw TooDeep();
            if (Current != '.') return path;
            _at++;
        }
    }

    /// <summary>One value: everything up to the end of the line, a comma or a closing bracket.</summary>
    private RawValue ParseValue(int depth)
    {
        CheckDepth(depth);
        var place = Here;
        var pieces = new List<RawValue>(1);
        while (true)
        {
            var gap = _at;
            SkipSpaces();
            if (AtEnd || Current is '\n' or '\r' or ',' or '}' or ']' || IsComment()) break;
            if (_at > gap && pieces.Count > 0) pieces.Add(new RawScalar(text[gap.._at], quoted: false, Here));
            pieces.Add(ParsePiece(depth));
            Count(1);
        }
        return pieces.Count switch
        {
            0 => throw Wrong($"{Shown()} where a value should be"),
            1 => pieces[0],
            _ => new RawSequence(pieces, place),
        };
    }

    private RawValue ParsePiece(int depth)
    {
        var place = Here;
        switch (Current)
        {
            case '{': return ParseObject(depth);
            case '[': return ParseList(depth);
            case '"': return new RawScalar(ParseQuoted(), quoted: true, place);
            case '$' when Peek(1) == '{': return ParseReference();
        }
        var start = _at;
        while (!AtEnd && Current is not ('\n' or '\r') && IsUnquoted() && !IsSpace(Current)) _at++;
        if (_at == start)
            throw Current is '=' or ':'
                ? Wrong($"'{Current}' inside a value without quotes",
                    "begin each key on a line of its own or after a comma, or put the text in quotes")
                : Wrong($"{Shown()} inside a value without quotes", "put the text in quotes");
        var word = text[start.._at];
        return new RawScalar(word == "null" ? null : word, quoted: false, place);
    }

    private RawList ParseList(int depth)
    {
        CheckDepth(depth);
        var place = Here;
        _at++;
        var items = new List<RawValue>();
        SkipBlank();
        while (true)
        {
            if (AtEnd) throw Wrong($"the file ends inside the list opened on line {place.Line}", "add the missing ']'");
            if (Current == ']')
            {
                _at++;
                return new RawList(items, place);
            }
            items.Add(ParseValue(depth + 1));
            Separate(']');
        }
    }

    private RawReference ParseReference()
    {
        var place = Here;
        _at += 2;
        var optional = Current == '?';
        if (optional) _at++;
        SkipSpaces();
        var path = ParsePath();
        SkipSpaces();
        if (Current != '}') throw Wrong("a reference is not closed", "write ${path}");
        _at++;
        return new RawReference(path, optional, place);
    }

    private string ParseQuoted()
    {
        if (Rest("\"\"\"")) return ParseTripleQuoted();
        _at++;
        var result = new StringBuilder();
        while (true)
        {
            var c = Current;
            if (AtEnd || c is '\n' or '\r') throw Wrong("a quoted text is not closed on its line",
                "add the missing '\"'; line breaks are written \\n");
            _at++;
            if (c == '"') break;
            if (c < ' ' && c != '\t') throw Wrong($"control character U+{(int)c:X4} in a quoted text", "write it as \\u escape");
            result.Append(c == '\\' ? ParseEscape() : c);
        }
        var value = result.ToString();
        CheckSurrogates(value);
        return value;
    }

    private char ParseEscape()
    {
        var c = Current;
        _at++;
        switch (c)
        {
            case '"' or '\\' or '/': return c;
            case 'b': return '\b';
            case 'f': return '\f';
            case 'n': return '\n';
            case 'r': return '\r';
            case 't': return '\t';
            case 'u' when _at + 4 <= text.Length
                && ushort.TryParse(text.AsSpan(_at, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code):
                _at += 4;
                return (char)code;
            default: throw Wrong("unknown escape after '\\'", "known: \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX");
        }
    }

    private string ParseTripleQuoted()
    {
        var opened = _line;
        var start = _at + 3;
        var end = text.IndexOf("\"\"\"", start, StringComparison.Ordinal);
        if (end < 0) throw Wrong("a triple-quoted text is not closed", "add the missing \"\"\"");
        while (end + 3 < text.Length && text[end + 3] == '"') end++;
        var value = text[start..end];
        _line = opened + value.AsSpan().Count('\n');
        _at = end + 3;
        CheckSurrogates(value);
        return value;
    }

    /// <summary>After a field or item: line breaks, or one comma, or the closing bracket next.</summary>
    private void Separate(char closing)
    {
        var line = _line;
        SkipBlank();
        if (Current == ',')
        {
            _at++;
            SkipBlank();
            if (Current == ',') throw Wrong("two commas in a row", "remove one");
        }
        else if (!AtEnd && Current != closing && _line == line)
            throw Wrong($"{Shown()} after a value", "begin a new line or put a comma before it");
    }

    private void SkipSpaces()
    {
        while (!AtEnd && IsSpace(Current)) _at++;
    }

    private void SkipBlank()
    {
        while (!AtEnd)
        {
            if (IsComment())
            {
                while (!AtEnd && Current != '\n') _at++;
                continue;
            }
            if (Current is not ('\n' or '\r') && !IsSpace(Current)) return;
            if (Current == '\n' || (Current == '\r' && Peek(1) != '\n')) _line++;
            _at++;
        }
    }

    private bool IsComment() => Current == '#' || (Current == '/' && Peek(1) == '/');

    private bool IsUnquoted()
    {
        if (char.IsHighSurrogate(Current)) return char.IsLowSurrogate(Peek(1));
        if (char.IsLowSurrogate(Current)) return _at > 0 && char.IsHighSurrogate(text[_at - 1]);
        return Current >= ' ' && !Forbidden.Contains(Current) && !IsComment() && !(Current == '+' && Peek(1) == '=');
    }

    private static bool IsSpace(char c) => c is not ('\n' or '\r') && (char.IsWhiteSpace(c) || c == '\uFEFF');

    private char Peek(int ahead) => _at + ahead < text.Length ? text[_at + ahead] : '\0';

    private bool Rest(string begin) => string.CompareOrdinal(text, _at, begin, 0, begin.Length) == 0;

    private void Count(int values)
    {
        if ((_values += values) > MaximumValues) throw Wrong($"more than {MaximumValues} values",
            "put prompts and tables in files of their own");
    }

    private void CheckDepth(int depth)
    {
        if (depth > MaximumDepth) throw TooDeep();
    }

    private void CheckSurrogates(string value)
    {
        for (var i = 0; i < value.Length; i++)
        {
            if (!char.IsSurrogate(value[i])) continue;
            if (i + 1 == value.Length || !char.IsSurrogatePair(value[i], value[i + 1])) throw Wrong("half of a surrogate pair in a text",
                "write both halves");
            i++;
        }
    }

    private StudyException TooDeep() => Wrong($"nested more than {MaximumDepth} deep", "a study needs a handful of levels");

    private string Shown() => AtEnd ? "the end of the file" : Current < ' ' ? $"control character U+{(int)Current:X4}" : $"'{Current}'";

    private static string Brief(string s) => s.Length <= Longest ? s : s[..Longest] + "…";

    private StudyException Wrong(string problem, string? remedy = null) => new(problem, Here.ToString(), remedy);
}
