using System.Numerics;

namespace InterpActors.Compute.Statistics;

/// <summary>
/// A random number generator whose numbers are the same on every platform and in every version: xoshiro256** (Blackman and Vigna 2018)
/// seeded by SplitMix64. Everything in a study that is drawn at random is drawn from one of these. Not thread-safe.
/// </summary>
public sealed class SeededRandom
{
    private ulong _a, _b, _c, _d;
    private double? _spareNormal;

    /// <param name="seed">Any number.</param>
    /// <param name="streams">Numbers that set this stream apart from others of the same seed (a unit's ordinal, a prompt's index).</param>
    public SeededRandom(long seed, params ReadOnlySpan<long> streams)
    {
        var state = unchecked((ulong)seed);
        foreach (var stream in streams) state = SplitMix(ref state) ^ unchecked((ulong)stream);
        _a = SplitMix(ref state);
        _b = SplitMix(ref state);
        _c = SplitMix(ref state);
        _d = SplitMix(ref state);
    }

    /// <summary>64 random bits.</summary>
    public ulong NextBits()
    {
        var result = BitOperations.RotateLeft(_b * 5, 7) * 9;
        var t = _b << 17;
        _c ^= _a;
        _d ^= _b;
        _b ^= _c;
        _a ^= _d;
        _c ^= t;
        _d = BitOperations.RotateLeft(_d, 45);
        return result;
    }

    /// <summary>A whole number in [0, <paramref name="count"/>), every one equally likely.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The count is not positive.</exception>
    public int Next(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        var n = (ulong)count;
        var limit = ulong.MaxValue - (ulong.MaxValue % n + 1) % n;
        ulong bits;
        do bits = NextBits();
        while (bits > limit);
        return (int)(bits % n);
    }

    /// <summary>A number in [0, 1) with 53 random bits.</summary>
    public double NextDouble() => (NextBits() >> 11) * (1.0 / (1UL << 53));

    /// <summary>A standard normal number (Marsaglia's polar method).</summary>
    public double NextNormal()
    {
        if (_spareNormal is { } spare)
        {
            _spareNormal = null;
            return spare;
        }
        double x, y, s;
        do
        {
            x = 2 * NextDouble() - 1;
            y = 2 * NextDouble() - 1;
            s = x * x + y * y;
        }
        while (s is >= 1 or 0);
        var scale = Math.Sqrt(-2 * Math.Log(s) / s);
        _spareNormal = y * scale;
        return x * scale;
    }

    /// <summary>One of the items.</summary>
    public T Pick<T>(IReadOnlyList<T> items) => items[Next(items.Count)];

    /// <summary>Different items in random order.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer items than asked for.</exception>
    public T[] Sample<T>(IReadOnlyList<T> items, int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, items.Count);
        // Only the places that moved are remembered, so that a few items of a large vocabulary cost a few steps.
        var moved = new Dictionary<int, int>();
        var sample = new T[count];
        for (var i = 0; i < count; i++)
        {
            var j = i + Next(items.Count - i);
            sample[i] = items[moved.GetValueOrDefault(j, j)];
            moved[j] = moved.GetValueOrDefault(i, i);
        }
        return sample;
    }

    private static ulong SplitMix(ref ulong state)
    {
        state = unchecked(state + 0x9E3779B97F4A7C15UL);
        var z = state;
        z = unchecked((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL);
        z = unchecked((z ^ (z >> 27)) * 0x94D049BB133111EBUL);
        return z ^ (z >> 31);
    }
}
