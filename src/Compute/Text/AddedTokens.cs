using InterpActors.Compute.Text.Patterns;

namespace InterpActors.Compute.Text;

/// <summary>A token that is found in the text before the model sees it.</summary>
/// <param name="Special">Left out when decoding without special tokens.</param>
/// <param name="Normalized">Looked for in the normalized text, in its own normalized form; else in the text as it came.</param>
/// <param name="StripLeft">Takes the white space in front of it along; <paramref name="StripRight"/> likewise behind.</param>
/// <param name="SingleWord">Only where no word character stands beside it.</param>
internal sealed record AddedToken(
    int Id, string Content, bool Special, bool Normalized = false,
    bool StripLeft = false, bool StripRight = false, bool SingleWord = false);

/// <summary>A stretch of text, or the added token that was found in its place.</summary>
internal readonly record struct TextSegment(TextPiece Piece, int? Id);

/// <summary>Finds added tokens in a text: the leftmost first, the longest where several begin at one place.</summary>
internal sealed class AddedTokenFinder
{
    private readonly Dictionary<char, List<(string Content, AddedToken Token)>> _byFirst = [];

    /// <param name="tokens">What to look for, and the token it stands for. The first of two equal contents wins.</param>
    internal AddedTokenFinder(IEnumerable<(string Content, AddedToken Token)> tokens)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var token in tokens.Where(t => t.Content.Length > 0 && seen.Add(t.Content)).OrderByDescending(t => t.Content.Length))
        {
            if (!_byFirst.TryGetValue(token.Content[0], out var list)) _byFirst[token.Content[0]] = list = [];
            list.Add(token);
        }
    }

    /// <summary>Appends the segments that cover <paramref name="piece"/>; nothing for an empty one.</summary>
    internal void Split(TextPiece piece, List<TextSegment> output)
    {
        var text = piece.Text;
        var done = 0;
        for (var at = 0; _byFirst.Count > 0 && at < text.Length;)
        {
            if (LongestAt(text, at) is not { } token)
            {
                at++;
                continue;
            }
            var (start, end) = (at, at + token.Length);
            at = end;
            if (token.Token.SingleWord && (EndsWithWord(text, start) || StartsWithWord(text, end))) continue;
            while (token.Token.StripLeft && start > done && char.IsWhiteSpace(text[start - 1])) start--;
            while (token.Token.StripRight && end < text.Length && char.IsWhiteSpace(text[end])) end++;
            AppendText(piece, done, start, output);
            output.Add(new TextSegment(new TextPiece(text[start..end], piece.AtStart && start == 0), token.Token.Id));
            done = end;
        }
        AppendText(piece, done, text.Length, output);
    }

    private static void AppendText(TextPiece piece, int start, int end, List<TextSegment> output)
    {
        if (end > start) output.Add(new TextSegment(new TextPiece(piece.Text[start..end], piece.AtStart && start == 0), null));
    }

    private (AddedToken Token, int Length)? LongestAt(string text, int at)
    {
        if (!_byFirst.TryGetValue(text[at], out var candidates)) return null;
        foreach (var (content, token) in candidates)
            if (text.AsSpan(at).StartsWith(content, StringComparison.Ordinal)) return (token, content.Length);
        return null;
    }

    private static bool StartsWithWord(string text, int at) =>
        at < text.Length && UnicodeClasses.Word.Contains(char.IsSurrogatePair(text, at) ? char.ConvertToUtf32(text, at) : text[at]);

    private static bool EndsWithWord(string text, int end) =>
        end > 0 && StartsWithWord(text, end >= 2 && char.IsSurrogatePair(text, end - 2) ? end - 2 : end - 1);
}
