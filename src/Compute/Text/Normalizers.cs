using System.Globalization;
using System.Text;
using InterpActors.Compute.Text.Patterns;

namespace InterpActors.Compute.Text;

/// <summary>Rewrites a stretch of text between added tokens, before it is cut into pieces.</summary>
internal interface INormalizer
{
    string Normalize(string text);
}

internal sealed class NormalizerSequence(IReadOnlyList<INormalizer> steps) : INormalizer
{
    public string Normalize(string text) => steps.Aggregate(text, (current, step) => step.Normalize(current));
}

/// <summary>A rewriting that needs no settings.</summary>
internal sealed class TextRewriter(Func<string, string> rewrite) : INormalizer
{
    public string Normalize(string text) => rewrite(text);

    internal static TextRewriter FormC { get; } = new(UnicodeNormalization.ToFormC);

    internal static TextRewriter FormD { get; } = new(UnicodeNormalization.ToFormD);

    /// <summary>Unicode's lower case letter by letter, without rules that depend on the neighbours (final sigma).</summary>
    internal static TextRewriter Lowercase { get; } = new(text =>
    {
        var lower = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            // The one letter whose lower case is two code points; the platform leaves it as it is.
            if (rune.Value == 0x130) lower.Append("i\u0307");
            else lower.Append(Rune.ToLowerInvariant(rune).ToString());
        }
        return lower.ToString();
    });

    /// <summary>Drops combining marks, of every kind.</summary>
    internal static TextRewriter StripAccents { get; } = new(text =>
    {
        var kept = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            var isMark = Rune.GetUnicodeCategory(rune)
                is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark;
            if (!isMark) kept.Append(rune.ToString());
        }
        return kept.ToString();
    });

    /// <summary>Puts a text in front of every stretch that is not empty.</summary>
    internal static TextRewriter Prepend(string prefix) => new(text => text.Length == 0 ? text : prefix + text);

    internal static TextRewriter Strip(bool left, bool right) => new(text =>
    {
        var (start, end) = (0, text.Length);
        while (left && start < end && char.IsWhiteSpace(text[start])) start++;
        while (right && end > start && char.IsWhiteSpace(text[end - 1])) end--;
        return text[start..end];
    });

    /// <summary>Every byte as its character of GPT-2's alphabet.</summary>
    internal static TextRewriter ByteLevel { get; } = new(ByteAlphabet.Write);
}

/// <summary>Replaces what matches. Also a decoder step, on every piece.</summary>
internal sealed class Replacement(Pattern pattern, string content) : INormalizer
{
    public string Normalize(string text)
    {
        var (result, end) = (new StringBuilder(text.Length), 0);
        foreach (var match in pattern.Matches(text))
        {
            result.Append(text, end, match.Start - end).Append(content);
            end = match.End;
        }
        return end == 0 && result.Length == 0 ? text : result.Append(text, end, text.Length - end).ToString();
    }
}
