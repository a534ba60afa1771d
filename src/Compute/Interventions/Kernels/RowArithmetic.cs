using System.Numerics;
using System.Runtime.Intrinsics;

namespace InterpActors.Compute.Interventions.Kernels;

/// <summary>Elementwise work on single tokens' vectors.</summary>
internal static unsafe class RowArithmetic<T> where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>sum += x.</summary>
    public static void Add(T* sum, T* x, int width)
    {
        var i = 0;
        for (; i <= width - Vector512<T>.Count; i += Vector512<T>.Count) (Vector512.Load(sum + i) + Vector512.Load(x + i)).Store(sum + i);
        for (; i < width; i++) sum[i] += x[i];
    }

    /// <summary>How many elements differ, and by how much at most; NaN where either is NaN.</summary>
    public static (long Changed, double Largest) Compare(T* a, T* b, int width)
    {
        if (new ReadOnlySpan<byte>(a, width * sizeof(T)).SequenceEqual(new ReadOnlySpan<byte>(b, width * sizeof(T)))) return (0, 0);
        long changed = 0;
        var largest = T.Zero;
        for (var i = 0; i < width; i++)
        {
            if (a[i] == b[i]) continue;
            changed++;
            largest = T.Max(largest, T.Abs(a[i] - b[i]));
        }
        return (changed, double.CreateChecked(largest));
    }

    /// <summary>True where two vectors are equal bit for bit.</summary>
    public static bool Same(T* a, T* b, int width) =>
        new ReadOnlySpan<byte>(a, width * sizeof(T)).SequenceEqual(new ReadOnlySpan<byte>(b, width * sizeof(T)));

    public static void Copy(T* from, T* to, int width) => new ReadOnlySpan<T>(from, width).CopyTo(new Span<T>(to, width));

    /// <summary>Rotates each head's pairs (i, i + half) by the angles of one position.</summary>
    /// <param name="cosines">[half]</param>
    /// <param name="sines">[half]</param>
    public static void Rotate(T* row, int heads, int headWidth, T* cosines, T* sines, int half)
    {
        for (var head = 0; head < heads; head++, row += headWidth)
        {
            var i = 0;
            for (; i <= half - Vector512<T>.Count; i += Vector512<T>.Count)
            {
                var (low, high) = (Vector512.Load(row + i), Vector512.Load(row + half + i));
                var (cos, sin) = (Vector512.Load(cosines + i), Vector512.Load(sines + i));
                (low * cos - high * sin).Store(row + i);
                (high * cos + low * sin).Store(row + half + i);
            }
            for (; i < half; i++)
            {
                var (low, high) = (row[i], row[half + i]);
                row[i] = low * cosines[i] - high * sines[i];
                row[half + i] = high * cosines[i] + low * sines[i];
            }
        }
    }
}
