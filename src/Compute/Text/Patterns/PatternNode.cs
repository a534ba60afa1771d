namespace InterpActors.Compute.Text.Patterns;

/// <summary>One node of a parsed expression.</summary>
internal abstract record PatternNode
{
    /// <summary>One code point out of a set.</summary>
    internal sealed record One(CodePointSet Set) : PatternNode;

    internal sealed record Sequence(IReadOnlyList<PatternNode> Items) : PatternNode;

    /// <summary>The first of these that leads to a match.</summary>
    internal sealed record Choice(IReadOnlyList<PatternNode> Items) : PatternNode;

    /// <summary>Between <paramref name="Least"/> and <paramref name="Most"/> (−1: any number) times.</summary>
    internal sealed record Repeat(PatternNode Item, int Least, int Most, bool Lazy) : PatternNode;

    /// <summary>Looks ahead without consuming.</summary>
    internal sealed record Look(PatternNode Item, bool Negated) : PatternNode;

    /// <summary>Never reconsidered once matched.</summary>
    internal sealed record Atomic(PatternNode Item) : PatternNode;

    internal sealed record Anchor(PatternAnchor Kind) : PatternNode;
}

/// <summary>A place in the text.</summary>
internal enum PatternAnchor { TextStart, TextEnd, TextEndOrLastNewline, LineStart, LineEnd, WordBoundary, NotWordBoundary }
