using static TorchSharp.torch;

namespace InterpActors.Compute.Models;

/// <summary>Keys (after rotary) and values of the tokens a generation has seen, per layer: [batch, pos, kv_heads, d_head].</summary>
public sealed class KeyValueCache(int layers) : IDisposable
{
    private readonly (Tensor? Keys, Tensor? Values)[] _layers = new (Tensor?, Tensor?)[layers];

    /// <summary>How many tokens have been seen.</summary>
    public int Length { get; private set; }

    internal (Tensor Keys, Tensor Values) Extend(int layer, Tensor keys, Tensor values)
    {
        var (oldKeys, oldValues) = _layers[layer];
        if (oldKeys is not null && oldValues is not null)
        {
            keys = cat([oldKeys, keys], 1);
            values = cat([oldValues, values], 1);
            oldKeys.Dispose();
            oldValues.Dispose();
        }
        _layers[layer] = (keys.alias().DetachFromDisposeScope(), values.alias().DetachFromDisposeScope());
        return (keys, values);
    }

    internal void Advance(int tokens) => Length += tokens;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (keys, values) in _layers)
        {
            keys?.Dispose();
            values?.Dispose();
        }
    }
}
