namespace InterpActors.Compute.Weights;

/// <summary>A tensor of a GGUF file.</summary>
internal sealed record GgufTensor : StoredTensor
{
    private readonly MappedFile _file;
    private readonly long _start;
    private readonly GgufType _type;

    public GgufTensor(MappedFile file, long start, GgufType type, string name, IReadOnlyList<long> shape, long bytes)
        : base(file.Path, name, shape, type.Name, bytes)
    {
        _file = file;
        _start = start;
        _type = type;
    }

    private long RowBytes => RowLength / _type.BlockLength * _type.BlockBytes;

    /// <inheritdoc/>
    public override void ReadRows(long firstRow, int rows, Span<float> destination)
    {
        using var window = _file.Map(_start + firstRow * RowBytes, checked((int)(rows * RowBytes)));
        Dequantiser.ToFloat(_type, window.Bytes, destination[..checked((int)(rows * RowLength))]);
    }

    /// <inheritdoc/>
    public override void ReadRows(long firstRow, int rows, Span<double> destination)
    {
        var count = checked((int)(rows * RowLength));
        using var window = _file.Map(_start + firstRow * RowBytes, checked((int)(rows * RowBytes)));
        if (_type == GgufType.F64)
        {
            ElementConversion.Copy(window.Bytes, destination[..count]);
            return;
        }
        using var scratch = new ScratchBuffer<float>(count);
        Dequantiser.ToFloat(_type, window.Bytes, scratch.Span);
        ElementConversion.Widen(scratch.Span, destination[..count]);
    }
}
