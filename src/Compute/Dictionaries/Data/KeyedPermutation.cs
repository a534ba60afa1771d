using System.Numerics;

namespace InterpActors.Compute.Dictionaries.Data;

/// <summary>
/// A pseudo-random order of 0 … n-1 that takes no memory: place i is computed from a key alone, so that any place of any epoch can be
/// asked for at any time. A balanced Feistel network over the next even power of two; what falls outside is walked on until inside.
/// </summary>
internal readonly struct KeyedPermutation
{
    private const int Rounds = 4;

    private readonly ulong _key;
    private readonly ulong _count;
    private readonly int _half;

    /// <param name="streams">Numbers that set this order apart from others of the same seed.</param>
    public KeyedPermutation(long count, long seed, params ReadOnlySpan<long> streams)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        _count = (ulong)count;
        _half = Math.Max(1, (BitOperations.Log2(Math.Max(1, _count - 1)) + 2) / 2);
        _key = Mix(unchecked((ulong)seed));
        foreach (var stream in streams) _key = Mix(_key ^ unchecked((ulong)stream));
    }

    /// <summary>Which item stands at a place.</summary>
    public long this[long place]
    {
        get
        {
            var at = (ulong)place;
            do at = Encrypt(at);
            while (at >= _count);
            return (long)at;
        }
    }

    private ulong Encrypt(ulong x)
    {
        var mask = (1UL << _half) - 1;
        var (left, right) = (x >> _half, x & mask);
        for (var round = 0UL; round < Rounds; round++)
            (left, right) = (right, left ^ (Mix(_key ^ (round << 56) ^ right) & mask));
        return (left << _half) | right;
    }

    private static ulong Mix(ulong z)
    {
        z = unchecked(z + 0x9E3779B97F4A7C15UL);
        z = unchecked((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL);
        z = unchecked((z ^ (z >> 27)) * 0x94D049BB133111EBUL);
        return z ^ (z >> 31);
    }
}
