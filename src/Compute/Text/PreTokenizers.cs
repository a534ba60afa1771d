using InterpActors.Compute.Text.Patterns;

namespace InterpActors.Compute.Text;

/// <summary>Cuts a stretch of normalized text into the pieces that the model tokenizes one by one.</summary>
internal interface IPreTokenizer
{
    /// <summary>Appends the pieces of <paramref name="piece"/>; empty ones are left out.</summary>
    void Split(TextPiece piece, List<TextPiece> output);
}

internal sealed class PreTokenizerSequence(IReadOnlyList<IPreTokenizer> steps) : IPreTokenizer
{
    public void Split(TextPiece piece, List<TextPiece> output)
    {
        List<TextPiece> pieces = [piece];
        foreach (var step in steps)
        {
            var next = new List<TextPiece>(pieces.Count);
            foreach (var one in pieces) step.Split(one, next);
            pieces = next;
        }
        output.AddRange(pieces);
    }
}

/// <summary>Cuts at the matches of an expression.</summary>
/// <param name="inverted">What lies between matches is the delimiter.</param>
internal sealed class SplitPreTokenizer(Pattern pattern, SplitBehavior behavior, bool inverted = false) : IPreTokenizer
{
    /// <summary>GPT-2's expression.</summary>
    internal const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    /// <summary>Words and runs of what is neither word nor space.</summary>
    internal static SplitPreTokenizer Whitespace() => new(Pattern.Parse(@"\w+|[^\w\s]+"), SplitBehavior.Removed, inverted: true);

    internal static SplitPreTokenizer WhitespaceSplit() => new(Pattern.Parse(@"\s"), SplitBehavior.Removed);

    internal static SplitPreTokenizer Digits(bool individual) =>
        new(Pattern.Parse(@"\p{N}"), individual ? SplitBehavior.Isolated : SplitBehavior.Contiguous);

    internal static SplitPreTokenizer Punctuation(SplitBehavior behavior) => new(Pattern.Parse(@"[\p{P}$+<=>^`|~]"), behavior);

    public void Split(TextPiece piece, List<TextPiece> output)
    {
        var parts = new List<(int Start, int End, bool Delimiter)>();
        var end = 0;
        foreach (var match in pattern.Matches(piece.Text))
        {
            if (match.Start > end) parts.Add((end, match.Start, inverted));
            parts.Add((match.Start, match.End, !inverted));
            end = match.End;
        }
        if (end < piece.Text.Length) parts.Add((end, piece.Text.Length, inverted));
        foreach (var part in SplitBehaviors.Apply(behavior, parts))
            if (part.End > part.Start)
                output.Add(new TextPiece(piece.Text[part.Start..part.End], piece.AtStart && part.Start == 0));
    }
}

/// <summary>Every byte as its character of GPT-2's alphabet.</summary>
/// <param name="split">Cut by GPT-2's expression first.</param>
internal sealed class ByteLevelPreTokenizer(bool addPrefixSpace, bool split) : IPreTokenizer
{
    private readonly SplitPreTokenizer? _split = split ? new(Pattern.Parse(SplitPreTokenizer.Gpt2), SplitBehavior.Isolated) : null;

    public void Split(TextPiece piece, List<TextPiece> output)
    {
        if (addPrefixSpace && !piece.Text.StartsWith(' ')) piece = piece with { Text = " " + piece.Text };
        var pieces = new List<TextPiece>();
        if (_split is null) pieces.Add(piece);
        else _split.Split(piece, pieces);
        foreach (var one in pieces) output.Add(one with { Text = ByteAlphabet.Write(one.Text) });
    }
}

/// <summary>When SentencePiece's word mark is put in front.</summary>
internal enum PrependScheme { Never, First, Always }

/// <summary>SentencePiece's way: spaces become <paramref name="mark"/> (▁), which also goes in front.</summary>
/// <param name="split">Cut before every mark.</param>
internal sealed class MetaspacePreTokenizer(string mark, PrependScheme prepend, bool split) : IPreTokenizer
{
    private readonly SplitPreTokenizer? _split = split ? new(Pattern.Literal(mark), SplitBehavior.MergedWithNext) : null;

    public void Split(TextPiece piece, List<TextPiece> output)
    {
        var text = piece.Text.Replace(" ", mark);
        var marked = text.StartsWith(mark, StringComparison.Ordinal);
        if (!marked && (prepend == PrependScheme.Always || (prepend == PrependScheme.First && piece.AtStart))) text = mark + text;
        var result = piece with { Text = text };
        if (_split is null) output.Add(result);
        else _split.Split(result, output);
    }
}
