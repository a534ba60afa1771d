using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Text.Patterns;

/// <summary>
/// A regular expression over code points with Unicode classes, matched leftmost and in order of preference (backtracking), as the
/// expressions of tokenizer files mean it. The platform's own expressions see a letter outside the basic plane as two surrogates that
/// belong to no letter class, which is why this exists. A budget of steps, proportional to the text, ends hopeless searches.
/// Thread-safe.
/// </summary>
internal sealed class Pattern
{
    private const int LargestProgram = 50_000;
    private const long FreeSteps = 10_000_000;
    private const long StepsPerCharacter = 1_000;

    private readonly string _source;
    private readonly PatternInstruction[] _program;
    private readonly int _marks;

    private Pattern(string source, PatternInstruction[] program, int marks)
    {
        _source = source;
        _program = program;
        _marks = marks;
    }

    /// <exception cref="StudyException">The expression is malformed or uses what is not supported.</exception>
    internal static Pattern Parse(string source)
    {
        var compiler = new PatternCompiler(LargestProgram);
        return new Pattern(source, compiler.Compile(PatternParser.Parse(source)), compiler.Marks);
    }

    /// <summary>A pattern that matches exactly this text.</summary>
    internal static Pattern Literal(string text)
    {
        var items = text.EnumerateRunes().Select(r => (PatternNode)new PatternNode.One(CodePointSet.Of(r.Value))).ToList();
        var compiler = new PatternCompiler(LargestProgram);
        return new Pattern(text, compiler.Compile(new PatternNode.Sequence(items)), compiler.Marks);
    }

    /// <summary>
    /// All matches from left to right, not overlapping, as [start, end) in UTF-16 units. <paramref name="text"/> holds no lone surrogates.
    /// An empty match right after another match is passed over.
    /// </summary>
    /// <exception cref="StudyException">The search takes too many steps.</exception>
    internal IEnumerable<(int Start, int End)> Matches(string text)
    {
        var matcher = new PatternMatcher(_program, _marks, text, FreeSteps + StepsPerCharacter * text.Length, _source);
        var lastEnd = -1;
        for (var at = 0; at <= text.Length;)
        {
            var end = matcher.MatchAt(at);
            if (end < 0 || (end == at && end == lastEnd))
            {
                at += at < text.Length && char.IsHighSurrogate(text[at]) ? 2 : 1;
                continue;
            }
            yield return (at, end);
            lastEnd = end;
            at = end;
        }
    }
}
