using System.Buffers.Binary;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Dictionaries.Data;

/// <summary>How a file stores token ids; all little-endian.</summary>
internal enum TokenWidth { U8, U16, U32, I16, I32, I64 }

/// <summary>
/// Token ids in a memory-mapped file: a flat <c>.bin</c>, a NumPy array or a tensor of a safetensors file. Thread-safe.
/// </summary>
internal sealed class TokenArray : IDisposable
{
    private const int WindowBytes = 1 << 24;

    private readonly MappedFile _file;
    private readonly long _start;
    private readonly TokenWidth _width;
    private readonly IDisposable _owner;

    /// <param name="owner">Disposed with this.</param>
    /// <param name="start">Byte of the first id.</param>
    /// <param name="rowLength">Ids in a row of a two-dimensional array; null where it is flat.</param>
    public TokenArray(MappedFile file, IDisposable owner, string where, long start, TokenWidth width, long count, long? rowLength)
    {
        (_file, _owner, Where, _start, _width, Count, RowLength) = (file, owner, where, start, width, count, rowLength);
    }

    /// <summary>What a message calls it: file, and tensor where there is one.</summary>
    public string Where { get; }

    /// <summary>Number of ids.</summary>
    public long Count { get; }

    public long? RowLength { get; }

    /// <summary>Bytes of an id.</summary>
    public static int Bytes(TokenWidth width) => width switch
    {
        TokenWidth.U8 => 1,
        TokenWidth.U16 or TokenWidth.I16 => 2,
        TokenWidth.U32 or TokenWidth.I32 => 4,
        _ => 8,
    };

    /// <summary>Reads ids that <see cref="Check"/> has seen.</summary>
    public void Read(long first, Span<int> ids)
    {
        var size = Bytes(_width);
        using var window = _file.Map(_start + first * size, ids.Length * size);
        for (var i = 0; i < ids.Length; i++) ids[i] = (int)Value(window.Bytes[(i * size)..]);
    }

    /// <summary>Looks at every id.</summary>
    /// <exception cref="StudyException">There are none, or one is beyond the vocabulary; the message names file and position.</exception>
    public void Check(int vocabulary)
    {
        if (Count == 0) throw new StudyException("the file holds no tokens", Where, "give a file with token ids");
        var size = Bytes(_width);
        for (long done = 0; done < Count;)
        {
            var some = (int)Math.Min(WindowBytes / size, Count - done);
            using var window = _file.Map(_start + done * size, some * size);
            for (var i = 0; i < some; i++)
            {
                var id = Value(window.Bytes[(i * size)..]);
                if (id < 0 || id >= vocabulary) throw Beyond(done + i, id, vocabulary);
            }
            done += some;
        }
    }

    public void Dispose() => _owner.Dispose();

    private StudyException Beyond(long at, long id, int vocabulary)
    {
        var place = RowLength is { } row ? $"row {at / row}, position {at % row}" : $"position {at}";
        return new StudyException($"token id {id} at {place} is not in the vocabulary, whose ids end at {vocabulary - 1}", Where,
            "is the file of this model, and are its ids of the width that the study says?");
    }

    private long Value(ReadOnlySpan<byte> bytes) => _width switch
    {
        TokenWidth.U8 => bytes[0],
        TokenWidth.U16 => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
        TokenWidth.U32 => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        TokenWidth.I16 => BinaryPrimitives.ReadInt16LittleEndian(bytes),
        TokenWidth.I32 => BinaryPrimitives.ReadInt32LittleEndian(bytes),
        _ => BinaryPrimitives.ReadInt64LittleEndian(bytes),
    };
}
