using System.Text;

namespace InterpActors.Compute.Text;

/// <summary>The ids of the 256 byte tokens <c>&lt;0x00&gt;</c> … <c>&lt;0xFF&gt;</c>, for what the vocabulary has no piece for.</summary>
internal sealed class ByteFallback
{
    private readonly int?[] _ids = new int?[256];

    internal ByteFallback(Vocabulary vocabulary)
    {
        for (var b = 0; b < 256; b++) _ids[b] = vocabulary.IdOf($"<0x{b:X2}>");
    }

    /// <summary>Appends the bytes of <paramref name="text"/>, or returns false where one of them has no token.</summary>
    internal bool TryAppend(ReadOnlySpan<char> text, List<int> output)
    {
        Span<byte> bytes = stackalloc byte[16];
        var count = Encoding.UTF8.GetBytes(text, bytes);
        foreach (var b in bytes[..count]) if (_ids[b] is null) return false;
        foreach (var b in bytes[..count]) output.Add(_ids[b]!.Value);
        return true;
    }
}
