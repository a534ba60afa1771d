using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Weights;

/// <summary>
/// Reads the head of a GGUF file (counts, keys, tensor entries) front to back. Every count is checked against the bytes that are left
/// before anything is allocated for it, so a damaged or hostile file costs no more memory than a small multiple of its own head.
/// </summary>
internal sealed class GgufReader
{
    /// <summary>The largest head that is read: four times what the largest published vocabularies need.</summary>
    private const long LargestHead = 64L << 20;

    private const int DeepestArray = 4;

    private readonly Stream _stream;
    private readonly string _file;
    private readonly long _limit;

    public GgufReader(Stream stream, string file)
    {
        _stream = stream;
        _file = file;
        _limit = Math.Min(stream.Length, LargestHead);
    }

    public long Position { get; private set; }

    public long Left => _limit - Position;

    public byte U8(string what) => Bytes(1, what)[0];
    public uint U32(string what) => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4, what));
    public ulong U64(string what) => BinaryPrimitives.ReadUInt64LittleEndian(Bytes(8, what));

    /// <summary>A count of things of which each takes at least <paramref name="leastBytes"/> bytes of what is left.</summary>
    public int Count(int leastBytes, string what)
    {
        var count = U64(what);
        if (count > (ulong)(Left / leastBytes)) throw Short($"it announces {count} {what}");
        return (int)count;
    }

    public string Text(string what)
    {
        var length = Count(1, $"bytes of {what}");
        if (length <= 256)
        {
            Span<byte> small = stackalloc byte[length];
            Fill(small, what);
            return Encoding.UTF8.GetString(small);
        }
        var bytes = new byte[length];
        Fill(bytes, what);
        return Encoding.UTF8.GetString(bytes);
    }

    /// <summary>The value of a key, of the type with number <paramref name="type"/>.</summary>
    public object Value(uint type, string key, int depth = 0) => type switch
    {
        0 => U8(key),
        1 => (sbyte)U8(key),
        2 => BinaryPrimitives.ReadUInt16LittleEndian(Bytes(2, key)),
        3 => BinaryPrimitives.ReadInt16LittleEndian(Bytes(2, key)),
        4 => U32(key),
        5 => BinaryPrimitives.ReadInt32LittleEndian(Bytes(4, key)),
        6 => BinaryPrimitives.ReadSingleLittleEndian(Bytes(4, key)),
        7 => Truth(U8(key), key),
        8 => Text($"the key '{key}'"),
        9 => Array(key, depth),
        10 => U64(key),
        11 => BinaryPrimitives.ReadInt64LittleEndian(Bytes(8, key)),
        12 => BinaryPrimitives.ReadDoubleLittleEndian(Bytes(8, key)),
        _ => throw new StudyException($"the key '{key}' has the unknown value type {type}", _file, "the file is damaged"),
    };

    private object Array(string key, int depth)
    {
        if (depth == DeepestArray) throw new StudyException($"the key '{key}' holds arrays more than {DeepestArray} deep", _file);
        var type = U32(key);
        return type switch
        {
            0 => Numbers<byte>(key),
            1 => Numbers<sbyte>(key),
            2 => Numbers<ushort>(key),
            3 => Numbers<short>(key),
            4 => Numbers<uint>(key),
            5 => Numbers<int>(key),
            6 => Numbers<float>(key),
            7 => System.Array.ConvertAll(Numbers<byte>(key), b => Truth(b, key)),
            8 => Texts(key),
            9 => Arrays(key, depth),
            10 => Numbers<ulong>(key),
            11 => Numbers<long>(key),
            12 => Numbers<double>(key),
            _ => throw new StudyException($"the key '{key}' is an array of the unknown type {type}", _file, "the file is damaged"),
        };
    }

    /// <summary>Checks the lengths of an array of texts and keeps its bytes; a vocabulary is made into strings when somebody wants
    /// it.</summary>
    private GgufTexts Texts(string key)
    {
        var count = Count(8, $"texts of the key '{key}'");
        var start = Position;
        for (var i = 0; i < count; i++) Skip(Count(1, "bytes of a text"));
        var bytes = new byte[Position - start];
        Skip(-bytes.Length);
        Fill(bytes, key);
        return new GgufTexts(bytes, count);
    }

    private object[] Arrays(string key, int depth)
    {
        var values = new object[Count(12, $"arrays of the key '{key}'")];
        for (var i = 0; i < values.Length; i++)
        {
            var value = Array(key, depth + 1);
            values[i] = value is GgufTexts texts ? texts.Strings : value;
        }
        return values;
    }

    private T[] Numbers<T>(string key) where T : unmanaged
    {
        var values = new T[Count(Marshal.SizeOf<T>(), $"elements of the key '{key}'")];
        Fill(MemoryMarshal.AsBytes(values.AsSpan()), key);
        return values;
    }

    private bool Truth(byte value, string key) =>
        value <= 1
            ? value == 1
            : throw new StudyException($"the key '{key}' holds {value} where only 0 or 1 can stand", _file, "the file is damaged");

    private readonly byte[] _scratch = new byte[8];

    private ReadOnlySpan<byte> Bytes(int count, string what)
    {
        Fill(_scratch.AsSpan(0, count), what);
        return _scratch.AsSpan(0, count);
    }

    private void Fill(Span<byte> bytes, string what)
    {
        if (bytes.Length > Left) throw Short($"{what} lies beyond the end");
        _stream.ReadExactly(bytes);
        Position += bytes.Length;
    }

    private void Skip(int bytes)
    {
        _stream.Seek(bytes, SeekOrigin.Current);
        Position += bytes;
    }

    private StudyException Short(string found) => _stream.Length > _limit
        ? new StudyException($"{found}, more than fits into a head of {LargestHead >> 20} MiB", _file, "the file is damaged")
        : new StudyException($"{found}, but the file has only {_stream.Length} bytes", _file,
            "the file is cut short or damaged: fetch it again");
}
