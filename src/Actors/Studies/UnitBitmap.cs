using System.Numerics;
using System.Runtime.InteropServices;

namespace InterpActors.Actors.Studies;

/// <summary>A set of unit ordinals, one bit each: 125 kB for a million units.</summary>
public sealed class UnitBitmap
{
    private readonly ulong[] _words;

    /// <param name="length">Ordinals run from 0 to length - 1.</param>
    public UnitBitmap(long length)
    {
        Length = length;
        _words = new ulong[(length + 63) / 64];
    }

    private UnitBitmap(long length, ulong[] words)
    {
        Length = length;
        _words = words;
        Count = words.Sum(w => (long)BitOperations.PopCount(w));
    }

    public long Length { get; }

    /// <summary>How many ordinals are in the set.</summary>
    public long Count { get; private set; }

    public bool this[long ordinal] => ordinal >= 0 && ordinal < Length && (_words[ordinal >> 6] >> (int)(ordinal & 63) & 1) != 0;

    /// <summary>Adds an ordinal; false where it was there.</summary>
    public bool Add(long ordinal)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(ordinal);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(ordinal, Length);
        if (this[ordinal]) return false;
        _words[ordinal >> 6] |= 1UL << (int)(ordinal & 63);
        Count++;
        return true;
    }

    /// <summary>The first ordinal at or after <paramref name="from"/> that is not in the set; null where there is none.</summary>
    public long? NextAbsent(long from)
    {
        while (from < Length)
        {
            var gaps = ~_words[from >> 6] >> (int)(from & 63);
            if (gaps != 0)
            {
                var found = from + BitOperations.TrailingZeroCount(gaps);
                return found < Length ? found : null;
            }
            from = (from | 63) + 1;
        }
        return null;
    }

    /// <summary>The ordinals of the set, ascending.</summary>
    public IEnumerable<long> Members()
    {
        for (var i = 0; i < _words.Length; i++)
            for (var word = _words[i]; word != 0; word &= word - 1)
                yield return ((long)i << 6) + BitOperations.TrailingZeroCount(word);
    }

    /// <summary>How many members lie in [first, first + count).</summary>
    public long CountIn(long first, long count)
    {
        long sum = 0;
        for (var at = first; at < first + count;)
        {
            var bits = Math.Min(64 - (at & 63), first + count - at);
            var word = _words[at >> 6] >> (int)(at & 63);
            if (bits < 64) word &= (1UL << (int)bits) - 1;
            sum += BitOperations.PopCount(word);
            at += bits;
        }
        return sum;
    }

    /// <summary>A copy that later additions do not touch.</summary>
    public UnitBitmap Copy() => new(Length, [.. _words]);

    /// <summary>Bit i of byte i / 8, lowest first.</summary>
    public byte[] ToBytes() => MemoryMarshal.AsBytes(_words.AsSpan())[..(int)((Length + 7) / 8)].ToArray();

    /// <exception cref="ArgumentException">The bytes hold another number of ordinals.</exception>
    public static UnitBitmap FromBytes(ReadOnlySpan<byte> bytes, long length)
    {
        if (bytes.Length != (length + 7) / 8) throw new ArgumentException($"{bytes.Length} bytes for {length} units", nameof(bytes));
        var words = new ulong[(length + 63) / 64];
        bytes.CopyTo(MemoryMarshal.AsBytes(words.AsSpan()));
        return new UnitBitmap(length, words);
    }
}
