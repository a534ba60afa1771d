using System.Buffers.Binary;
using System.Runtime.InteropServices;
using InterpActors.Messages.Studies;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Weights;

/// <summary>
/// A safetensors file, memory-mapped: 8 bytes of header length, a JSON header, raw little-endian data. Everything the header says is
/// checked on opening (<see cref="SafetensorsHeader"/>); the data is touched when a tensor is read.
/// </summary>
public sealed class SafetensorsFile : IWeightSource
{
    /// <summary>A header of this size describes more than half a million tensors.</summary>
    private const long LargestHeader = 32L << 20;

    private readonly MappedFile _file;

    private SafetensorsFile(MappedFile file, SafetensorsHeader header, long dataStart)
    {
        _file = file;
        Metadata = header.Metadata;
        Tensors = header.Entries.Values.ToDictionary(
            e => e.Name, StoredTensor (e) => new SafetensorsTensor(file, dataStart + e.Begin, e.Type, e.Name, e.Shape, e.End - e.Begin), StringComparer.Ordinal);
    }

    /// <summary>The file's <c>__metadata__</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, StoredTensor> Tensors { get; }

    /// <summary>Names in the header's order.</summary>
    public IEnumerable<string> Names => Tensors.Keys;

    /// <inheritdoc/>
    public string Where => _file.Path;

    /// <inheritdoc/>
    public IReadOnlyList<string> Files => [_file.Path];

    /// <inheritdoc/>
    public long FileBytes => _file.Length;

    /// <exception cref="StudyException">The file is missing, damaged or cut short; the message names file and tensor.</exception>
    public static SafetensorsFile Open(string path)
    {
        var file = MappedFile.Open(Path.GetFullPath(path));
        try
        {
            if (file.Length < 8) throw new StudyException($"a safetensors file has at least 8 bytes, this one {file.Length}", file.Path, "fetch it again");
            using var lengthWindow = file.Map(0, 8);
            var length = BinaryPrimitives.ReadUInt64LittleEndian(lengthWindow.Bytes);
            if (length > (ulong)(file.Length - 8))
                throw new StudyException($"it announces a header of {length} bytes, but has only {file.Length} bytes", file.Path,
                    "the file is cut short, damaged or no safetensors file");
            if (length > LargestHeader) throw new StudyException($"its header of {length} bytes is larger than the {LargestHeader} that are read", file.Path);
            using var header = file.Map(8, (int)length);
            return new SafetensorsFile(file, SafetensorsHeader.Read(file.Path, header.Bytes, file.Length - 8 - (long)length), 8 + (long)length);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Reads a whole tensor in its own type (<see cref="SafetensorsType.Torch"/>), or converted to <paramref name="type"/>. It is of the
    /// caller's dispose scope.
    /// </summary>
    /// <exception cref="StudyException">There is no such tensor.</exception>
    public Tensor Read(string name, ScalarType? type = null)
    {
        if (!Tensors.TryGetValue(name, out var stored)) throw new StudyException($"there is no tensor '{name}'", _file.Path);
        var tensor = ((SafetensorsTensor)stored).ReadTensor();
        return type is { } wanted && wanted != tensor.dtype ? tensor.to_type(wanted, disposeAfter: true) : tensor;
    }

    public void Dispose() => _file.Dispose();
}

/// <summary>A tensor of a safetensors file.</summary>
internal sealed record SafetensorsTensor : StoredTensor
{
    private const int ChunkBytes = 1 << 24;

    private readonly MappedFile _file;
    private readonly long _start;

    public SafetensorsTensor(MappedFile file, long start, SafetensorsType type, string name, IReadOnlyList<long> shape, long bytes)
        : base(file.Path, name, shape, type.Name, bytes)
    {
        _file = file;
        _start = start;
        Type = type;
    }

    public SafetensorsType Type { get; }

    /// <inheritdoc/>
    public override bool IsFloatingPoint => Type.IsFloatingPoint;

    /// <inheritdoc/>
    public override void ReadRows(long firstRow, int rows, Span<float> destination)
    {
        destination = destination[..checked((int)(rows * RowLength))];
        using var window = Map(firstRow, rows);
        switch (Type.Name)
        {
            case "F32": ElementConversion.Copy(window.Bytes, destination); break;
            case "F16": ElementConversion.HalfToFloat(window.Bytes, destination); break;
            case "BF16": ElementConversion.BrainToFloat(window.Bytes, destination); break;
            default:
                using (var scratch = new ScratchBuffer<double>(destination.Length))
                {
                    Convert(window.Bytes, scratch.Span);
                    ElementConversion.Narrow(scratch.Span, destination);
                }
                break;
        }
    }

    /// <inheritdoc/>
    public override void ReadRows(long firstRow, int rows, Span<double> destination)
    {
        destination = destination[..checked((int)(rows * RowLength))];
        if (Type.Name is "F32" or "F16" or "BF16")
        {
            using var scratch = new ScratchBuffer<float>(destination.Length);
            ReadRows(firstRow, rows, scratch.Span);
            ElementConversion.Widen(scratch.Span, destination);
            return;
        }
        using var window = Map(firstRow, rows);
        Convert(window.Bytes, destination);
    }

    /// <summary>The whole tensor in torch's type for it.</summary>
    public Tensor ReadTensor()
    {
        var tensor = torch.empty([.. Shape], dtype: Type.Torch);
        try
        {
            if (!Type.SameBits)
            {
                using var flat = Count == 0 ? torch.empty(0, dtype: ScalarType.Int64) : torch.tensor(ReadUnsigned(), dtype: ScalarType.Int64);
                tensor.copy_(flat.view([.. Shape]));
                return tensor;
            }
            for (long done = 0; done < StoredBytes; done += ChunkBytes)
            {
                var length = (int)Math.Min(ChunkBytes, StoredBytes - done);
                using var window = _file.Map(_start + done, length);
                window.Bytes.CopyTo(TensorMemory.Bytes(tensor, done, length));
            }
            return tensor;
        }
        catch
        {
            tensor.Dispose();
            throw;
        }
    }

    private long[] ReadUnsigned()
    {
        using var window = _file.Map(_start, checked((int)StoredBytes));
        var values = new long[Count];
        for (var i = 0; i < values.Length; i++)
        {
            var bytes = window.Bytes.Slice(i * Type.Bytes, Type.Bytes);
            var value = Type.Name switch
            {
                "U16" => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
                "U32" => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
                _ => BinaryPrimitives.ReadUInt64LittleEndian(bytes),
            };
            values[i] = value <= long.MaxValue ? (long)value : throw new StudyException($"its value {value} does not fit into 63 bits", Where);
        }
        return values;
    }

    private FileWindow Map(long firstRow, int rows)
    {
        var rowBytes = RowLength * Type.Bytes;
        return _file.Map(_start + firstRow * rowBytes, checked((int)(rows * rowBytes)));
    }

    private void Convert(ReadOnlySpan<byte> bytes, Span<double> values)
    {
        switch (Type.Name)
        {
            case "F64": ElementConversion.Copy(bytes, values); break;
            case "I64": ElementConversion.Convert<long>(bytes, values); break;
            case "I32": ElementConversion.Convert<int>(bytes, values); break;
            case "I16": ElementConversion.Convert<short>(bytes, values); break;
            case "I8": ElementConversion.Convert<sbyte>(bytes, values); break;
            case "U16": ElementConversion.Convert<ushort>(bytes, values); break;
            case "U32": ElementConversion.Convert<uint>(bytes, values); break;
            case "U64": ElementConversion.Convert<ulong>(bytes, values); break;
            default: ElementConversion.Convert<byte>(bytes, values); break;
        }
    }
}
