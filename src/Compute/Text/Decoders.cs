using System.Globalization;
using System.Text;

namespace InterpActors.Compute.Text;

/// <summary>One step from the pieces of a run of tokens back to text; the pieces that come out of the last step are joined.</summary>
internal interface IDecoder
{
    List<string> Decode(List<string> pieces);
}

internal sealed class DecoderSequence(IReadOnlyList<IDecoder> steps) : IDecoder
{
    public List<string> Decode(List<string> pieces) => steps.Aggregate(pieces, (current, step) => step.Decode(current));
}

/// <summary>GPT-2's alphabet back to bytes, the bytes to text; what is not UTF-8 becomes U+FFFD.</summary>
internal sealed class ByteLevelDecoder : IDecoder
{
    public List<string> Decode(List<string> pieces)
    {
        var bytes = new List<byte>();
        foreach (var piece in pieces) ByteAlphabet.Read(piece, bytes);
        return [Encoding.UTF8.GetString([.. bytes])];
    }
}

/// <summary>
/// <c>&lt;0x41&gt;</c> back to its byte. Neighbouring bytes are read together as UTF-8; where they are none, each becomes U+FFFD.
/// </summary>
internal sealed class ByteFallbackDecoder : IDecoder
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    public List<string> Decode(List<string> pieces)
    {
        var (output, bytes) = (new List<string>(pieces.Count), new List<byte>());
        foreach (var piece in pieces)
        {
            if (ByteOf(piece) is { } b)
            {
                bytes.Add(b);
                continue;
            }
            Flush(bytes, output);
            output.Add(piece);
        }
        Flush(bytes, output);
        return output;
    }

    /// <summary>The byte that a piece such as <c>&lt;0x41&gt;</c> stands for.</summary>
    internal static byte? ByteOf(string piece) =>
        piece.Length == 6 && piece.StartsWith("<0x", StringComparison.Ordinal) && piece[5] == '>'
        && byte.TryParse(piece.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var b)
            ? b
            : null;

    private static void Flush(List<byte> bytes, List<string> output)
    {
        if (bytes.Count == 0) return;
        try
        {
            output.Add(Strict.GetString([.. bytes]));
        }
        catch (DecoderFallbackException)
        {
            output.AddRange(Enumerable.Repeat("\uFFFD", bytes.Count));
        }
        bytes.Clear();
    }
}

/// <summary>A rewriting of every piece by itself.</summary>
internal sealed class PieceDecoder(Func<string, string> rewrite) : IDecoder
{
    public List<string> Decode(List<string> pieces) => pieces.ConvertAll(p => rewrite(p));

    /// <summary>Takes up to <paramref name="start"/> copies of a character off the front and <paramref name="stop"/> off the end.</summary>
    internal static PieceDecoder Strip(string content, int start, int stop) => new(piece =>
    {
        for (var i = 0; i < start && piece.StartsWith(content, StringComparison.Ordinal); i++) piece = piece[content.Length..];
        for (var i = 0; i < stop && piece.EndsWith(content, StringComparison.Ordinal); i++) piece = piece[..^content.Length];
        return piece;
    });
}

/// <summary>All pieces as one.</summary>
internal sealed class FuseDecoder : IDecoder
{
    public List<string> Decode(List<string> pieces) => [string.Concat(pieces)];
}

/// <summary>
/// SentencePiece's word mark back to spaces; in the first piece the mark goes away where it is put in front when encoding.
/// </summary>
internal sealed class MetaspaceDecoder(string mark, bool prepended) : IDecoder
{
    public List<string> Decode(List<string> pieces) =>
        pieces.Select((piece, i) => piece.Replace(mark, i == 0 && prepended ? "" : " ")).ToList();
}

/// <summary>The mark at the end of a word back to a space, and to nothing in the last piece.</summary>
internal sealed class WordEndDecoder(string suffix) : IDecoder
{
    public List<string> Decode(List<string> pieces) => suffix.Length == 0
        ? pieces
        : pieces.Select((piece, i) => piece.Replace(suffix, i == pieces.Count - 1 ? "" : " ")).ToList();
}
