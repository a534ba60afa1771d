using System.Text;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Text.Chat;

/// <summary>What a piece of a template is.</summary>
internal enum TemplateTokenKind { Text, BeginOutput, EndOutput, BeginBlock, EndBlock, Name, String, Number, Operator, End }

/// <summary>A piece of a template. Strings are unescaped.</summary>
internal readonly record struct TemplateToken(TemplateTokenKind Kind, string Text, int Line);

/// <summary>
/// Cuts a Jinja template into tokens, with the white space rules that chat templates are written for: <c>trim_blocks</c>,
/// <c>lstrip_blocks</c>, the minus signs, and no newline at the very end.
/// </summary>
internal sealed class TemplateLexer
{
    private static readonly string[] Operators = ["==", "!=", "<=", ">=", "//", "**"];

    private readonly string _source;
    private readonly List<TemplateToken> _tokens = [];
    private int _at;
    private int _line = 1;

    private TemplateLexer(string source) => _source = source;

    /// <exception cref="StudyException">A tag or text without an end, or a character that belongs in no expression.</exception>
    internal static List<TemplateToken> Read(string source)
    {
        source = source.Replace("\r\n", "\n").Replace('\r', '\n');
        if (source.EndsWith('\n')) source = source[..^1];
        var lexer = new TemplateLexer(source);
        lexer.ReadAll();
        lexer.Add(TemplateTokenKind.End, "");
        return lexer._tokens;
    }

    private void ReadAll()
    {
        var (trimLeft, trimNewline) = (false, false);
        while (_at < _source.Length)
        {
            var tag = NextTag(_at);
            var text = _source[_at..tag];
            if (trimLeft) text = text.TrimStart();
            else if (trimNewline && text.StartsWith('\n')) text = text[1..];
            var minus = tag + 2 < _source.Length && _source[tag + 2] == '-';
            var plus = tag + 2 < _source.Length && _source[tag + 2] == '+';
            var isOutput = tag < _source.Length && _source[tag + 1] == '{';
            if (minus) text = text.TrimEnd();
            else if (tag < _source.Length && !isOutput && !plus) text = StripLine(text, tag);
            if (text.Length > 0) Add(TemplateTokenKind.Text, text);
            _line += _source[_at..tag].Count(c => c == '\n');
            _at = tag;
            if (tag == _source.Length) return;
            var closing = ReadTag();
            trimLeft = closing == '-';
            trimNewline = !isOutput && closing != '+';
        }
    }

    private int NextTag(int from)
    {
        for (var i = from; i + 1 < _source.Length; i++)
            if (_source[i] == '{' && _source[i + 1] is '{' or '%' or '#') return i;
        return _source.Length;
    }

    /// <summary>Drops the blanks between the start of a line and a block tag.</summary>
    private string StripLine(string text, int tag)
    {
        var kept = text.TrimEnd(' ', '\t');
        var lineStart = tag - (text.Length - kept.Length);
        return lineStart == 0 || _source[lineStart - 1] == '\n' ? kept : text;
    }

    /// <summary>Reads a whole tag; returns the character before its closing bracket where that is a sign, else a space.</summary>
    private char ReadTag()
    {
        var kind = _source[_at + 1];
        if (kind == '#') return ReadComment();
        _at += 2;
        if (_at < _source.Length && _source[_at] is '-' or '+') _at++;
        Add(kind == '{' ? TemplateTokenKind.BeginOutput : TemplateTokenKind.BeginBlock, "");
        var end = kind == '{' ? "}}" : "%}";
        var depth = 0;
        while (true)
        {
            SkipSpace();
            if (_at >= _source.Length) throw Wrong("a tag without an end");
            if (depth == 0 && ClosesAt(end) is { } sign)
            {
                _at += sign == ' ' ? 2 : 3;
                Add(kind == '{' ? TemplateTokenKind.EndOutput : TemplateTokenKind.EndBlock, "");
                return sign;
            }
            depth += _source[_at] is '(' or '[' or '{' ? 1 : _source[_at] is ')' or ']' or '}' ? -1 : 0;
            ReadExpressionToken();
        }
    }

    private char? ClosesAt(string end)
    {
        if (string.CompareOrdinal(_source, _at, end, 0, 2) == 0) return ' ';
        return _source[_at] is '-' or '+' && string.CompareOrdinal(_source, _at + 1, end, 0, 2) == 0 ? _source[_at] : null;
    }

    private char ReadComment()
    {
        var end = _source.IndexOf("#}", _at + 2, StringComparison.Ordinal);
        if (end < 0) throw Wrong("a comment without an end");
        _line += _source[_at..end].Count(c => c == '\n');
        _at = end + 2;
        return _source[end - 1] == '-' ? '-' : ' ';
    }

    private void ReadExpressionToken()
    {
        var c = _source[_at];
        var start = _at;
        if (char.IsLetter(c) || c == '_')
        {
            while (_at < _source.Length && (char.IsLetterOrDigit(_source[_at]) || _source[_at] == '_')) _at++;
            Add(TemplateTokenKind.Name, _source[start.._at]);
        }
        else if (char.IsAsciiDigit(c))
        {
            while (_at < _source.Length && char.IsAsciiDigit(_source[_at])) _at++;
            Add(TemplateTokenKind.Number, _source[start.._at]);
        }
        else if (c is '\'' or '"')
        {
            Add(TemplateTokenKind.String, ReadString(c));
        }
        else if ("+-*/%~|.,:()[]{}=<>!".Contains(c))
        {
            var two = Operators.FirstOrDefault(o => string.CompareOrdinal(_source, start, o, 0, 2) == 0);
            _at += two?.Length ?? 1;
            Add(TemplateTokenKind.Operator, two ?? c.ToString());
        }
        else
        {
            throw Wrong($"the character '{c}'");
        }
    }

    private string ReadString(char quote)
    {
        var text = new StringBuilder();
        for (_at++; _at < _source.Length && _source[_at] != quote; _at++)
        {
            var c = _source[_at];
            if (c == '\n') _line++;
            if (c == '\\' && _at + 1 < _source.Length)
            {
                var escaped = _source[++_at];
                c = escaped switch { 'n' => '\n', 't' => '\t', 'r' => '\r', _ => escaped };
                if (escaped is not ('n' or 't' or 'r' or '\\' or '\'' or '"')) text.Append('\\');
            }
            text.Append(c);
        }
        if (_at >= _source.Length) throw Wrong("a text without an end");
        _at++;
        return text.ToString();
    }

    private void SkipSpace()
    {
        for (; _at < _source.Length && char.IsWhiteSpace(_source[_at]); _at++) if (_source[_at] == '\n') _line++;
    }

    private void Add(TemplateTokenKind kind, string text) => _tokens.Add(new TemplateToken(kind, text, _line));

    private StudyException Wrong(string problem) => new($"{problem} in line {_line} of the chat template");
}
