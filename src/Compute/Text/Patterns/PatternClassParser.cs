using System.Globalization;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Text.Patterns;

/// <summary>Parses bracketed classes and escapes of an expression into sets of code points.</summary>
internal sealed class PatternClassParser(string source)
{
    private const int DeepestNesting = 32;

    private static readonly CodePointSet HexDigits = CodePointSet.Union([('0', '9'), ('a', 'f'), ('A', 'F')]);

    /// <summary>A class from its <c>[</c> on: ranges, escapes, nested classes, <c>&amp;&amp;</c>, POSIX names.</summary>
    internal CodePointSet ParseBracket(ref int at) => ParseBracket(ref at, 0);

    private CodePointSet ParseBracket(ref int at, int depth)
    {
        if (depth > DeepestNesting) throw Wrong("classes are nested too deeply", at);
        at++;
        var negated = at < source.Length && source[at] == '^';
        if (negated) at++;
        var parts = new List<CodePointSet>();
        CodePointSet? left = null;
        for (var first = true; ; first = false)
        {
            if (at >= source.Length) throw Wrong("a class without an end", at);
            if (source[at] == ']' && !first) break;
            if (source[at] == '&' && at + 1 < source.Length && source[at + 1] == '&')
            {
                at += 2;
                left = Both(left, parts);
                parts = [];
            }
            else if (source[at] == '[')
            {
                parts.Add(at + 1 < source.Length && source[at + 1] == ':' ? ParsePosix(ref at) : ParseBracket(ref at, depth + 1));
            }
            else
            {
                parts.Add(ParseRange(ref at));
            }
        }
        at++;
        var set = Both(left, parts);
        return negated ? set.Not() : set;
    }

    private static CodePointSet Both(CodePointSet? left, List<CodePointSet> parts)
    {
        var right = CodePointSet.Union(parts.SelectMany(p => p.Ranges));
        return left is null ? right : left.And(right);
    }

    private CodePointSet ParseRange(ref int at)
    {
        var low = ParseMember(ref at);
        if (low.Single is not { } start || at + 1 >= source.Length || source[at] != '-' || source[at + 1] is ']' or '[') return low.Set;
        var before = at;
        at++;
        var high = ParseMember(ref at);
        if (high.Single is not { } end)
        {
            at = before + 1;
            return low.Set.Or(CodePointSet.Of('-'));
        }
        if (end < start) throw Wrong("a range that runs backwards", at);
        return CodePointSet.Range(start, end);
    }

    private (CodePointSet Set, int? Single) ParseMember(ref int at)
    {
        if (source[at] == '\\')
        {
            var set = ParseEscape(ref at, insideBrackets: true);
            using var ranges = set.Ranges.GetEnumerator();
            var single = ranges.MoveNext() && ranges.Current.Start == ranges.Current.End ? ranges.Current.Start : (int?)null;
            return (set, ranges.MoveNext() ? null : single);
        }
        int codePoint = char.IsSurrogatePair(source, at) ? char.ConvertToUtf32(source, at) : source[at];
        at += codePoint > 0xFFFF ? 2 : 1;
        return (CodePointSet.Of(codePoint), codePoint);
    }

    private CodePointSet ParsePosix(ref int at)
    {
        var end = source.IndexOf(":]", at, StringComparison.Ordinal);
        if (end < 0) throw Wrong("a class name without an end", at);
        var name = source[(at + 2)..end];
        var negated = name.StartsWith('^');
        var set = (negated ? name[1..] : name) switch
        {
            "alpha" => UnicodeClasses.Category("L")!,
            "digit" => UnicodeClasses.Category("Nd")!,
            "alnum" => UnicodeClasses.Category("L")!.Or(UnicodeClasses.Category("Nd")!),
            "upper" => UnicodeClasses.Category("Lu")!,
            "lower" => UnicodeClasses.Category("Ll")!,
            "space" => UnicodeClasses.WhiteSpace,
            "punct" => UnicodeClasses.Category("P")!.Or(UnicodeClasses.Category("S")!.And(CodePointSet.Range(0, 127))),
            "cntrl" => UnicodeClasses.Category("Cc")!,
            "xdigit" => HexDigits,
            "word" => UnicodeClasses.Word,
            _ => throw Wrong($"the class name '{name}' is not supported", at),
        };
        at = end + 2;
        return negated ? set.Not() : set;
    }

    /// <summary>An escape from its backslash on.</summary>
    internal CodePointSet ParseEscape(ref int at, bool insideBrackets)
    {
        if (at + 1 >= source.Length) throw Wrong("a backslash at the end", at);
        var c = source[at + 1];
        at += 2;
        switch (c)
        {
            case 'n': return CodePointSet.Of('\n');
            case 'r': return CodePointSet.Of('\r');
            case 't': return CodePointSet.Of('\t');
            case 'f': return CodePointSet.Of('\f');
            case 'v': return CodePointSet.Of('\v');
            case 'a': return CodePointSet.Of('\a');
            case 'e': return CodePointSet.Of(0x1B);
            case '0': return CodePointSet.Of(0);
            case 'b' when insideBrackets: return CodePointSet.Of('\b');
            case 's': return UnicodeClasses.WhiteSpace;
            case 'S': return UnicodeClasses.WhiteSpace.Not();
            case 'd': return UnicodeClasses.Category("Nd")!;
            case 'D': return UnicodeClasses.Category("Nd")!.Not();
            case 'w': return UnicodeClasses.Word;
            case 'W': return UnicodeClasses.Word.Not();
            case 'h': return HexDigits;
            case 'H': return HexDigits.Not();
            case 'x': return CodePointSet.Of(ParseHex(ref at, 2));
            case 'u': return CodePointSet.Of(ParseHex(ref at, 4));
            case 'p' or 'P': return ParseProperty(ref at, c == 'P');
            default:
                if (char.IsAsciiLetterOrDigit(c)) throw Wrong($"the escape '\\{c}' is not supported", at);
                if (!char.IsHighSurrogate(c)) return CodePointSet.Of(c);
                at--;
                return ParseMember(ref at).Set;
        }
    }

    private CodePointSet ParseProperty(ref int at, bool negated)
    {
        var name = at < source.Length ? source[at].ToString() : "";
        if (name == "{")
        {
            var end = source.IndexOf('}', at);
            if (end < 0) throw Wrong("a property without an end", at);
            name = source[(at + 1)..end];
            at = end + 1;
        }
        else
        {
            at++;
        }
        if (name.StartsWith('^')) (name, negated) = (name[1..], !negated);
        var set = UnicodeClasses.Category(name) ?? throw Wrong($"the property '{name}' is not supported (general categories are)", at);
        return negated ? set.Not() : set;
    }

    private int ParseHex(ref int at, int digits)
    {
        string text;
        if (at < source.Length && source[at] == '{')
        {
            var end = source.IndexOf('}', at);
            text = end < 0 ? "" : source[(at + 1)..end];
            at = end < 0 ? at : end + 1;
        }
        else
        {
            text = source.Substring(at, Math.Min(digits, source.Length - at));
            at += text.Length;
        }
        if (text.Length > 6 || !int.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            || value > CodePointSet.Last)
            throw Wrong("a hexadecimal escape that is no code point", at);
        return value;
    }

    private static StudyException Wrong(string problem, int at) => new($"{problem} at character {at} of the expression");
}
