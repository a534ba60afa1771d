namespace InterpActors.Compute.GroundTruth;

/// <summary>The residual stream of a hand-built model as named blocks of coordinates, in order.</summary>
internal sealed class ResidualLayout
{
    private readonly Dictionary<string, (int Start, int Size)> _blocks = new(StringComparer.Ordinal);

    public ResidualLayout(params (string Name, int Size)[] blocks)
    {
        foreach (var (name, size) in blocks)
        {
            _blocks.Add(name, (Width, size));
            Width += size;
        }
    }

    /// <summary>d_model.</summary>
    public int Width { get; private set; }

    public int Size(string block) => _blocks[block].Size;

    /// <summary>The coordinate of an entry of a block.</summary>
    public int At(string block, int index = 0)
    {
        var (start, size) = _blocks[block];
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)size, nameof(index));
        return start + index;
    }
}
