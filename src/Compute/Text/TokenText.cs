using System.Buffers;
using System.Globalization;
using System.Text;

namespace InterpActors.Compute.Text;

/// <summary>Tokens as people read them in tables, heat maps and messages.</summary>
public static class TokenText
{
    /// <summary>
    /// The text of one token: a leading space stays a space, line breaks and other control characters are written as escapes
    /// (<c>\n</c>, <c>\u200B</c>), bytes that are no whole character as <c>&lt;0xE2&gt;</c>, special tokens as they are spelled.
    /// </summary>
    public static string Display(ITokenizer tokenizer, int token)
    {
        var piece = tokenizer.Piece(token);
        if (ByteFallbackDecoder.ByteOf(piece) is { } single) return single is >= 0x20 and < 0x7F ? ((char)single).ToString() : piece;

        var once = tokenizer.Decode([token]);
        if (once == piece) return Escaped(once);

        // Decoding a token on its own may strip a leading space that belongs to it, so it is decoded behind itself.
        var twice = tokenizer.Decode([token, token]);
        var text = twice.Length > once.Length && twice.StartsWith(once, StringComparison.Ordinal) ? twice[once.Length..] : once;
        return text.Contains('\uFFFD') && ByteAlphabet.BytesOf(piece) is { } bytes ? DisplayBytes(bytes) : Escaped(text);
    }

    private static string DisplayBytes(byte[] bytes)
    {
        var shown = new StringBuilder();
        for (var at = 0; at < bytes.Length;)
        {
            var whole = Rune.DecodeFromUtf8(bytes.AsSpan(at), out var rune, out var length) == OperationStatus.Done;
            if (whole) shown.Append(Escaped(rune.ToString()));
            else for (var i = 0; i < length; i++) shown.Append($"<0x{bytes[at + i]:X2}>");
            at += length;
        }
        return shown.ToString();
    }

    private static string Escaped(string text)
    {
        if (text.All(c => c is >= ' ' and < '\u007F' || char.IsLetterOrDigit(c))) return text;
        var shown = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            shown.Append(rune.Value switch
            {
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                _ when IsInvisible(rune) => rune.Value > 0xFFFF ? $"\\U{rune.Value:X8}" : $"\\u{rune.Value:X4}",
                _ => rune.ToString(),
            });
        }
        return shown.ToString();
    }

    private static bool IsInvisible(Rune rune) => Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control
        or UnicodeCategory.Format or UnicodeCategory.LineSeparator
        or UnicodeCategory.ParagraphSeparator or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.PrivateUse;
}
