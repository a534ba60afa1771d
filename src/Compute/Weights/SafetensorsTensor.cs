using System.Buffers.Binary;
using InterpActors.Messages.Studies;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Weights;

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

    /// <summary>The file's byte that the tensor begins with.</summary>
    public long Start => _start;

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
                using var flat = Count == 0
                    ? torch.empty(0, dtype: ScalarType.Int64)
                    : torch.tensor(ReadUnsigned(), dtype: ScalarType.Int64);
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
            values[i] = value <= long.MaxValue
                ? (long)value
                : throw new StudyException($"its value {value} does not fit into 63 bits", Where);
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
