using static TorchSharp.torch;

namespace InterpActors.Compute.Models;

/// <summary>
/// Rotary position embeddings: dimensions i and i + D/2 of a head are rotated by the angle position · inverse frequency i. Tables are
/// computed in fp64 and then rounded to the run's dtype. Long-lived and thread-safe.
/// </summary>
public sealed class RotaryTables : IDisposable
{
    private readonly RotaryConfig _config;
    private readonly ScalarType _type;
    private readonly Lock _growing = new();
    private readonly List<Tables> _all = [];
    private volatile Tables? _largest;

    public RotaryTables(RotaryConfig config, ScalarType type)
    {
        (_config, _type) = (config, type);
        Half = config.Dimensions / 2;
    }

    /// <summary>Cosines and sines, [positions, Half] each; at least as many positions as were asked for.</summary>
    public sealed record Tables(int Positions, Tensor Cosines, Tensor Sines);

    /// <summary>Half the number of rotated dimensions of a head.</summary>
    public int Half { get; }

    /// <summary>Tables of at least so many positions; they live as long as this object. Contexts can be far longer than any prompt, so
    /// tables grow with the prompts.</summary>
    public Tables For(int positions)
    {
        if (_largest is { } enough && enough.Positions >= positions) return enough;
        lock (_growing)
        {
            if (_largest is { } grown && grown.Positions >= positions) return grown;
            _all.Add(Build((int)Math.Max(256, System.Numerics.BitOperations.RoundUpToPowerOf2((uint)positions))));
            return _largest = _all[^1];
        }
    }

    private Tables Build(int positions)
    {
        var cosines = new double[positions * Half];
        var sines = new double[positions * Half];
        for (var position = 0; position < positions; position++)
            for (var i = 0; i < Half; i++)
                (sines[position * Half + i], cosines[position * Half + i]) = Math.SinCos(position * _config.InverseFrequencies[i]);
        return new(positions, Table(cosines), Table(sines));

        Tensor Table(double[] values)
        {
            using var scope = NewDisposeScope();
            return tensor(values, [positions, Half], ScalarType.Float64).to_type(_type).contiguous().DetachFromDisposeScope();
        }
    }

    /// <summary>Rotates heads.</summary>
    /// <param name="x">[batch, pos, heads, d_head]</param>
    /// <param name="first">The position of <paramref name="x"/>'s first token.</param>
    public Tensor Rotate(Tensor x, int first)
    {
        var tables = For(first + (int)x.shape[1]);
        var cos = tables.Cosines.narrow(0, first, x.shape[1]).unsqueeze(1);
        var sin = tables.Sines.narrow(0, first, x.shape[1]).unsqueeze(1);
        var low = x.narrow(-1, 0, Half);
        var high = x.narrow(-1, Half, Half);
        Tensor[] parts = [low * cos - high * sin, high * cos + low * sin];
        return cat(x.shape[3] == 2 * Half ? parts : [.. parts, x.narrow(-1, 2 * Half, x.shape[3] - 2 * Half)], -1);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tables in _all)
        {
            tables.Cosines.Dispose();
            tables.Sines.Dispose();
        }
    }
}
