using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Text.Patterns;

/// <summary>
/// Parses the regular expressions of tokenizer files: Oniguruma's syntax without captures' contents, back references and lookbehind.
/// <c>^</c> and <c>$</c> stand for lines, <c>{n,m}+</c> repeats a repetition, <c>\h</c> is a hexadecimal digit, as there.
/// </summary>
internal sealed class PatternParser
{
    private const int LongestPattern = 20_000;
    private const int DeepestNesting = 64;

    private readonly string _source;
    private readonly PatternClassParser _classes;
    private int _at;
    private int _depth;
    private bool _ignoreCase;
    private bool _dotAll;

    private PatternParser(string source)
    {
        _source = source;
        _classes = new PatternClassParser(source);
    }

    /// <exception cref="StudyException">The expression is malformed or uses what is not supported.</exception>
    internal static PatternNode Parse(string source)
    {
        if (source.Length > LongestPattern) throw new StudyException($"an expression of {source.Length} characters is too long");
        var parser = new PatternParser(source);
        var node = parser.ParseChoice();
        if (parser._at < source.Length) throw parser.Wrong("a closing parenthesis without an opening one");
        return node;
    }

    private PatternNode ParseChoice()
    {
        if (++_depth > DeepestNesting) throw Wrong("groups are nested too deeply");
        var (ignoreCase, dotAll) = (_ignoreCase, _dotAll);
        var items = new List<PatternNode> { ParseSequence() };
        while (Accept('|')) items.Add(ParseSequence());
        (_ignoreCase, _dotAll) = (ignoreCase, dotAll);
        _depth--;
        return items.Count == 1 ? items[0] : new PatternNode.Choice(items);
    }

    private PatternNode ParseSequence()
    {
        var items = new List<PatternNode>();
        while (_at < _source.Length && _source[_at] is not ('|' or ')'))
        {
            var item = ParseAtom();
            if (item is not null) items.Add(ParseRepeats(item));
        }
        return items.Count == 1 ? items[0] : new PatternNode.Sequence(items);
    }

    private PatternNode ParseRepeats(PatternNode item)
    {
        for (var nesting = 0; ; nesting++)
        {
            if (nesting > DeepestNesting) throw Wrong("repetitions are nested too deeply");
            var interval = false;
            int least, most;
            if (Accept('*')) (least, most) = (0, -1);
            else if (Accept('+')) (least, most) = (1, -1);
            else if (Accept('?')) (least, most) = (0, 1);
            else if (ParseInterval(out least, out most)) interval = true;
            else return item;
            if (item is PatternNode.Anchor or PatternNode.Look) throw Wrong("a repetition of an anchor or lookahead");
            var lazy = Accept('?');
            item = new PatternNode.Repeat(item, least, most, lazy);
            if (!lazy && !interval && Accept('+')) item = new PatternNode.Atomic(item);
        }
    }

    /// <summary><c>{n}</c>, <c>{n,}</c>, <c>{,m}</c>, <c>{n,m}</c>; any other brace is a literal one.</summary>
    private bool ParseInterval(out int least, out int most)
    {
        (least, most) = (0, -1);
        if (_at >= _source.Length || _source[_at] != '{') return false;
        var close = _source.IndexOf('}', _at);
        if (close < 0 || close - _at > 16) return false;
        var parts = _source[(_at + 1)..close].Split(',');
        if (parts.Length > 2 || parts.Any(p => p.Any(c => !char.IsAsciiDigit(c))) || parts.All(p => p.Length == 0)) return false;
        if (parts.Any(p => p.Length > 4)) throw Wrong("a repetition count above 9999");
        least = parts[0].Length == 0 ? 0 : int.Parse(parts[0]);
        most = parts.Length == 1 ? least : parts[1].Length == 0 ? -1 : int.Parse(parts[1]);
        if (most >= 0 && most < least) throw Wrong("a repetition whose maximum is below its minimum");
        _at = close + 1;
        return true;
    }

    private PatternNode? ParseAtom()
    {
        var c = _source[_at];
        switch (c)
        {
            case '(': return ParseGroup();
            case '[': return One(_classes.ParseBracket(ref _at));
            case '.':
                _at++;
                return new PatternNode.One(_dotAll ? CodePointSet.All : CodePointSet.Of('\n').Not());
            case '^':
                _at++;
                return new PatternNode.Anchor(PatternAnchor.LineStart);
            case '$':
                _at++;
                return new PatternNode.Anchor(PatternAnchor.LineEnd);
            case '*' or '+' or '?': throw Wrong("a repetition of nothing");
            case '\\':
                if (_at + 1 < _source.Length && AnchorOf(_source[_at + 1]) is { } anchor)
                {
                    _at += 2;
                    return new PatternNode.Anchor(anchor);
                }
                return One(_classes.ParseEscape(ref _at, insideBrackets: false));
            default:
                var codePoint = char.IsSurrogatePair(_source, _at) ? char.ConvertToUtf32(_source, _at) : c;
                _at += codePoint > 0xFFFF ? 2 : 1;
                return One(CodePointSet.Of(codePoint));
        }
    }

    private PatternNode.One One(CodePointSet set) => new(_ignoreCase ? UnicodeClasses.IgnoringCase(set) : set);

    private static PatternAnchor? AnchorOf(char c) => c switch
    {
        'A' => PatternAnchor.TextStart,
        'z' => PatternAnchor.TextEnd,
        'Z' => PatternAnchor.TextEndOrLastNewline,
        'b' => PatternAnchor.WordBoundary,
        'B' => PatternAnchor.NotWordBoundary,
        _ => null,
    };

    /// <summary>A group; null for a comment and for flags that hold to the end of the enclosing group.</summary>
    private PatternNode? ParseGroup()
    {
        _at++;
        if (!Accept('?')) return Closed(ParseChoice());
        if (Accept(':')) return Closed(ParseChoice());
        if (Accept('=')) return new PatternNode.Look(Closed(ParseChoice()), false);
        if (Accept('!')) return new PatternNode.Look(Closed(ParseChoice()), true);
        if (Accept('>')) return new PatternNode.Atomic(Closed(ParseChoice()));
        if (Accept('#'))
        {
            var end = _source.IndexOf(')', _at);
            if (end < 0) throw Wrong("a comment without an end");
            _at = end + 1;
            return null;
        }
        if (Accept('<'))
        {
            var end = _source.IndexOf('>', _at);
            if (end <= _at || !_source[_at..end].All(c => char.IsLetterOrDigit(c) || c == '_')) throw Wrong("lookbehind is not supported");
            _at = end + 1;
            return Closed(ParseChoice());
        }
        return ParseFlags();
    }

    private PatternNode? ParseFlags()
    {
        var (ignoreCase, dotAll, on) = (_ignoreCase, _dotAll, true);
        while (_at < _source.Length && _source[_at] is not (':' or ')'))
        {
            switch (_source[_at++])
            {
                case '-': on = false; break;
                case 'i': ignoreCase = on; break;
                case 'm': dotAll = on; break;
                default: throw Wrong("a group of a kind that is not supported");
            }
        }
        if (Accept(')'))
        {
            (_ignoreCase, _dotAll) = (ignoreCase, dotAll);
            return null;
        }
        if (!Accept(':')) throw Wrong("a group without an end");
        var outer = (_ignoreCase, _dotAll);
        (_ignoreCase, _dotAll) = (ignoreCase, dotAll);
        var node = Closed(ParseChoice());
        (_ignoreCase, _dotAll) = outer;
        return node;
    }

    private PatternNode Closed(PatternNode node) => Accept(')') ? node : throw Wrong("a group without an end");

    private bool Accept(char c)
    {
        if (_at >= _source.Length || _source[_at] != c) return false;
        _at++;
        return true;
    }

    private StudyException Wrong(string problem) => new($"{problem} at character {_at} of the expression");
}
