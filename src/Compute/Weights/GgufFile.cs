using System.Numerics;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Weights;

/// <summary>
/// A GGUF file of version 2 or 3 (little-endian): its metadata, and its tensors, memory-mapped and dequantised when read.
/// The whole head is checked on opening: counts and lengths against the file's length, names for duplicates, offsets for alignment,
/// overlap and range; a file that was cut anywhere is refused.
/// </summary>
public sealed class GgufFile : IWeightSource
{
    private const uint Magic = 0x46554747;
    private const long DefaultAlignment = 32;
    private const int MostDimensions = 4;

    private readonly MappedFile _file;

    private GgufFile(MappedFile file, uint version, GgufMetadata metadata, Dictionary<string, StoredTensor> tensors)
    {
        _file = file;
        Version = version;
        Metadata = metadata;
        Tensors = tensors;
    }

    /// <summary>2 or 3.</summary>
    public uint Version { get; }

    public GgufMetadata Metadata { get; }

    /// <inheritdoc/>
    /// <remarks>Shapes outermost dimension first: the reverse of the file's order.</remarks>
    public IReadOnlyDictionary<string, StoredTensor> Tensors { get; }

    /// <inheritdoc/>
    public string Where => _file.Path;

    /// <inheritdoc/>
    public IReadOnlyList<string> Files => [_file.Path];

    /// <inheritdoc/>
    public long FileBytes => _file.Length;

    /// <exception cref="StudyException">The file is missing, not a GGUF file, of another version, damaged or cut short.</exception>
    public static GgufFile Open(string path)
    {
        path = Path.GetFullPath(path);
        var file = MappedFile.Open(path);
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1 << 16);
            return Read(file, new GgufReader(stream, path));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public void Dispose() => _file.Dispose();

    private static GgufFile Read(MappedFile file, GgufReader reader)
    {
        var path = file.Path;
        if (reader.U32("the magic number") != Magic)
            throw new StudyException("this is not a GGUF file: it does not begin with 'GGUF'", path);
        var version = reader.U32("the version");
        if (version is not (2 or 3))
        {
            var swapped = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(version) is 2 or 3;
            throw new StudyException(swapped ? "big-endian GGUF files are not supported" : $"GGUF version {version} is not supported",
                path, "versions 2 and 3 are");
        }
        // A tensor entry takes at least 8 (name) + 4 (dimensions) + 4 (type) + 8 (offset) bytes, a key 8 + 4 + 1.
        var tensorCount = reader.Count(24, "tensors");
        var keyCount = reader.Count(13, "keys");

        var values = new Dictionary<string, object>(keyCount, StringComparer.Ordinal);
        for (var i = 0; i < keyCount; i++)
        {
            var key = reader.Text("a key");
            if (!values.TryAdd(key, reader.Value(reader.U32($"the type of the key '{key}'"), key)))
                throw new StudyException($"the key '{key}' stands in the file twice", path, "the file is damaged");
        }
        var metadata = new GgufMetadata(path, values);
        var entries = new List<Entry>(tensorCount);
        for (var i = 0; i < tensorCount; i++) entries.Add(ReadEntry(reader, path));
        return new GgufFile(file, version, metadata, Place(file, entries, reader.Position, AlignmentOf(metadata, path)));
    }

    private sealed record Entry(string Name, long[] Shape, GgufType Type, long Offset, long Bytes);

    private static Entry ReadEntry(GgufReader reader, string path)
    {
        var name = reader.Text("a tensor's name");
        var where = $"{path} tensor {name}";
        var dimensions = reader.U32($"the dimensions of tensor {name}");
        if (dimensions is 0 or > MostDimensions)
            throw new StudyException($"it has {dimensions} dimensions; 1 to {MostDimensions} are possible", where, "the file is damaged");
        var shape = new long[dimensions];
        UInt128 count = 1;
        for (var d = 0; d < dimensions; d++)
        {
            var size = reader.U64($"the shape of tensor {name}");
            if (size == 0) throw new StudyException("a dimension is 0", where, "the file is damaged");
            // Later dimensions are the outer ones in the file.
            shape[dimensions - 1 - d] = (long)Math.Min(size, long.MaxValue);
            count = count * size > long.MaxValue
                ? throw new StudyException("its shape overflows", where, "the file is damaged")
                : count * size;
        }
        var id = reader.U32($"the type of tensor {name}");
        var type = GgufType.Find(id) ?? throw new StudyException(
            $"its type {GgufType.NameOf(id)} cannot be read", where,
            "readable are " + string.Join(", ", GgufType.Supported.Select(t => t.Name)));
        if (shape[^1] % type.BlockLength != 0)
            throw new StudyException($"rows of {shape[^1]} do not divide into {type.Name} blocks of {type.BlockLength}", where,
                "the file is damaged");
        var bytes = (Int128)count / type.BlockLength * type.BlockBytes;
        var offset = reader.U64($"the offset of tensor {name}");
        if (bytes > long.MaxValue || offset > long.MaxValue)
            throw new StudyException("its place in the file overflows", where, "the file is damaged");
        return new Entry(name, shape, type, (long)offset, (long)bytes);
    }

    private static long AlignmentOf(GgufMetadata metadata, string path)
    {
        var alignment = metadata.Integer("general.alignment") ?? DefaultAlignment;
        return alignment is >= 1 and <= 1 << 20 && BitOperations.IsPow2(alignment)
            ? alignment
            : throw new StudyException($"general.alignment is {alignment}; it must be a power of 2", path, "the file is damaged");
    }

    private static Dictionary<string, StoredTensor> Place(MappedFile file, List<Entry> entries, long headEnd, long alignment)
    {
        var dataStart = Align(headEnd, alignment);
        var tensors = new Dictionary<string, StoredTensor>(entries.Count, StringComparer.Ordinal);
        long free = 0;
        foreach (var entry in entries.OrderBy(e => e.Offset))
        {
            var where = $"{file.Path} tensor {entry.Name}";
            if (entry.Offset % alignment != 0)
                throw new StudyException($"its offset {entry.Offset} is not a multiple of {alignment}", where, "the file is damaged");
            if (entry.Offset < free) throw new StudyException("it overlaps another tensor", where, "the file is damaged");
            // Writers pad every tensor, the last one too; without the padding the end of the file is missing.
            if ((Int128)dataStart + entry.Offset + Align(entry.Bytes, alignment) > file.Length)
                throw new StudyException(
                    $"its {entry.Bytes} bytes at {(Int128)dataStart + entry.Offset} end beyond the file's {file.Length} bytes", where,
                    "the file is cut short or damaged: fetch it again");
            free = entry.Offset + entry.Bytes;
            if (!tensors.TryAdd(entry.Name,
                new GgufTensor(file, dataStart + entry.Offset, entry.Type, entry.Name, entry.Shape, entry.Bytes)))
                throw new StudyException("it stands in the file twice", where, "the file is damaged");
        }
        return tensors;
    }

    private static long Align(long value, long alignment) =>
        value > long.MaxValue - alignment ? long.MaxValue : (value + alignment - 1) / alignment * alignment;
}
