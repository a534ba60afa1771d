using System.Numerics;
using System.Runtime.Intrinsics;

namespace InterpActors.Compute.Interventions.Kernels;

/// <summary>One query's scores to its attention pattern.</summary>
internal static unsafe class PatternRow<T> where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Softmax over first ≤ key &lt; end; zero elsewhere in low ≤ key &lt; high.</summary>
    public static void Softmax(T* row, int low, int first, int end, int high)
    {
        var largest = T.NegativeInfinity;
        var i = first;
        if (end - first >= Vector512<T>.Count)
        {
            var most = Vector512.Load(row + i);
            for (i += Vector512<T>.Count; i <= end - Vector512<T>.Count; i += Vector512<T>.Count)
                most = Vector512.Max(most, Vector512.Load(row + i));
            for (var lane = 0; lane < Vector512<T>.Count; lane++) largest = T.Max(largest, most[lane]);
        }
        for (; i < end; i++) largest = T.Max(largest, row[i]);

        var (maxima, sums) = (Vector512.Create(largest), Vector512<T>.Zero);
        for (i = first; i <= end - Vector512<T>.Count; i += Vector512<T>.Count)
        {
            var e = Lanes.Exp(Vector512.Load(row + i) - maxima);
            sums += e;
            e.Store(row + i);
        }
        var sum = Vector512.Sum(sums);
        for (; i < end; i++)
        {
            row[i] = T.Exp(row[i] - largest);
            sum += row[i];
        }
        var divisors = Vector512.Create(sum);
        for (i = first; i <= end - Vector512<T>.Count; i += Vector512<T>.Count) (Vector512.Load(row + i) / divisors).Store(row + i);
        for (; i < end; i++) row[i] /= sum;
        for (i = low; i < first; i++) row[i] = T.Zero;
        for (i = end; i < high; i++) row[i] = T.Zero;
    }

    /// <summary>row *= factor for first ≤ key &lt; end.</summary>
    public static void Scale(T* row, int first, int end, T factor)
    {
        var factors = Vector512.Create(factor);
        var i = first;
        for (; i <= end - Vector512<T>.Count; i += Vector512<T>.Count) (Vector512.Load(row + i) * factors).Store(row + i);
        for (; i < end; i++) row[i] *= factor;
    }
}
