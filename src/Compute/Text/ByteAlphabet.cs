using System.Text;

namespace InterpActors.Compute.Text;

/// <summary>
/// GPT-2's alphabet of bytes: every byte has a printable character, so that byte-level vocabularies can be written as text. Printable
/// Latin-1 characters stand for themselves, the other 68 bytes for U+0100 and up (the space for <c>Ġ</c>).
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] Characters = Build();
    private static readonly Dictionary<char, byte> Bytes = Characters.Select((c, b) => (c, b)).ToDictionary(x => x.c, x => (byte)x.b);

    /// <summary>The UTF-8 bytes of a text, each as its character.</summary>
    internal static string Write(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return string.Create(bytes.Length, bytes, (span, source) =>
        {
            for (var i = 0; i < source.Length; i++) span[i] = Characters[source[i]];
        });
    }

    /// <summary>Appends the bytes that a piece stands for; a piece with a character of no byte stands for its own UTF-8 bytes.</summary>
    internal static void Read(string piece, List<byte> output)
    {
        var before = output.Count;
        foreach (var c in piece)
        {
            if (Bytes.TryGetValue(c, out var b))
            {
                output.Add(b);
                continue;
            }
            output.RemoveRange(before, output.Count - before);
            output.AddRange(Encoding.UTF8.GetBytes(piece));
            return;
        }
    }

    /// <summary>The bytes that a piece stands for; null where one of its characters stands for none.</summary>
    internal static byte[]? BytesOf(string piece) => piece.All(Bytes.ContainsKey) ? [.. piece.Select(c => Bytes[c])] : null;

    private static char[] Build()
    {
        var characters = new char[256];
        var next = 0x100;
        for (var b = 0; b < 256; b++)
            characters[b] = b is >= '!' and <= '~' or >= 0xA1 and <= 0xAC or >= 0xAE ? (char)b : (char)next++;
        return characters;
    }
}
