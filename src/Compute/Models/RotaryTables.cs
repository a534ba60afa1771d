using static TorchSharp.torch;

namespace InterpActors.Compute.Models;

/// <summary>
/// Rotary position embeddings: dimensions i and i + D/2 of a head are rotated by the angle position · inverse frequency i. Tables are
/// computed in fp64 and then rounded to the run's dtype. Long-lived and thread-safe.
/// </summary>
public sealed class RotaryTables : IDisposable
{
    private readonly int _dimensions;

    /// <param name="positions">Positions 0 … positions-1 have an entry.</param>
    public RotaryTables(RotaryConfig config, int positions, ScalarType type)
    {
        _dimensions = config.Dimensions;
        Half = config.Dimensions / 2;
        var cosines = new double[positions * Half];
        var sines = new double[positions * Half];
        for (var position = 0; position < positions; position++)
            for (var i = 0; i < Half; i++)
                (sines[position * Half + i], cosines[position * Half + i]) = Math.SinCos(position * config.InverseFrequencies[i]);
        Cosines = Table(cosines);
        Sines = Table(sines);

        Tensor Table(double[] values)
        {
            using var scope = NewDisposeScope();
            return tensor(values, [positions, Half], ScalarType.Float64).to_type(type).contiguous().DetachFromDisposeScope();
        }
    }

    /// <summary>Half the number of rotated dimensions of a head.</summary>
    public int Half { get; }

    /// <summary>[positions, Half]</summary>
    public Tensor Cosines { get; }

    /// <summary>[positions, Half]</summary>
    public Tensor Sines { get; }

    /// <summary>Rotates heads.</summary>
    /// <param name="x">[batch, pos, heads, d_head]</param>
    /// <param name="first">The position of <paramref name="x"/>'s first token.</param>
    public Tensor Rotate(Tensor x, int first)
    {
        var cos = Cosines.narrow(0, first, x.shape[1]).unsqueeze(1);
        var sin = Sines.narrow(0, first, x.shape[1]).unsqueeze(1);
        var low = x.narrow(-1, 0, Half);
        var high = x.narrow(-1, Half, Half);
        Tensor[] parts = [low * cos - high * sin, high * cos + low * sin];
        return cat(x.shape[3] == _dimensions ? parts : [.. parts, x.narrow(-1, _dimensions, x.shape[3] - _dimensions)], -1);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Cosines.Dispose();
        Sines.Dispose();
    }
}
