using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace InterpActors.Compute.Dictionaries.Kernels;

/// <summary>Exact selection of the largest values. Of equal ones the first are taken; NaN passes every filter, so that it is met.</summary>
internal static unsafe class TopSelection<T> where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Equal steps between the lowest and the highest value in which values are counted.</summary>
    public const int Steps = 4096;

    /// <summary>Lists what is not ≤ a bound, in order.</summary>
    /// <param name="values">Padded to whole vectors of 64 bytes.</param>
    /// <param name="indices">Room for <paramref name="width"/>, as has <paramref name="found"/>.</param>
    /// <returns>How many were found.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Above(T* values, int width, T bound, int* indices, T* found)
    {
        var (lanes, limit, count) = (Vector512<T>.Count, Vector512.Create(bound), 0);
        var every = (1UL << lanes) - 1;
        for (var i = 0; i < width; i += lanes)
        {
            var hits = ~Vector512.LessThanOrEqual(Vector512.Load(values + i), limit).ExtractMostSignificantBits() & every;
            while (hits != 0)
            {
                var at = i + BitOperations.TrailingZeroCount(hits);
                indices[count] = at;
                found[count++] = values[at];
                hits &= hits - 1;
            }
        }
        return count;
    }

    /// <summary>The n-th largest value; the others are left in any order.</summary>
    /// <param name="n">1 to the number of values.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static T NthLargest(T* values, long count, long n)
    {
        var (low, high, wanted) = (0L, count - 1, n - 1);
        while (low < high)
        {
            var pivot = Median(values[low], values[low + (high - low) / 2], values[high]);
            var (i, j) = (low, high);
            while (i <= j)
            {
                while (values[i] > pivot) i++;
                while (values[j] < pivot) j--;
                if (i > j) break;
                (values[i], values[j]) = (values[j], values[i]);
                i++;
                j--;
            }
            if (wanted <= j) high = j;
            else if (wanted >= i) low = i;
            else return values[wanted];
        }
        return values[wanted];
    }

    /// <summary>Keeps, in place and in order, what is larger than the n-th largest value, and as many equal to it as are due.</summary>
    /// <param name="last">The n-th largest value.</param>
    /// <param name="ties">How many equal to it may still be kept; lowered by those that were.</param>
    /// <returns>How many were kept.</returns>
    public static int Keep(int* indices, T* values, int count, T last, ref long ties)
    {
        var kept = 0;
        for (var i = 0; i < count; i++)
        {
            var value = values[i];
            if (!(value > last) && !(value == last && ties-- > 0)) continue;
            indices[kept] = indices[i];
            values[kept++] = value;
        }
        ties = Math.Max(0, ties);
        return kept;
    }

    /// <summary>How many values are larger than one, and how many equal to it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static (long Above, long Equal) Count(T* values, long count, T bound)
    {
        long above = 0, equal = 0;
        for (long i = 0; i < count; i++)
        {
            above += values[i] > bound ? 1 : 0;
            equal += values[i] == bound ? 1 : 0;
        }
        return (above, equal);
    }

    /// <summary>The highest value, or a bound where none is above it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static T Highest(T* values, long count, T bound)
    {
        for (long i = 0; i < count; i++)
            if (values[i] > bound) bound = values[i];
        return bound;
    }

    /// <summary>
    /// The factor by which a distance from <paramref name="low"/> becomes a number of a step; 0 where there is no finite one.
    /// </summary>
    public static T StepsPerUnit(T low, T high)
    {
        var factor = T.CreateChecked(Steps) / (high - low);
        return T.IsFinite(factor) ? factor : T.Zero;
    }

    /// <summary>How many values lie in each step. A larger value never lies in a lower step, whatever is rounded.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void CountSteps(T* values, long count, T low, T perUnit, int[] counts)
    {
        Array.Clear(counts);
        for (long i = 0; i < count; i++) counts[StepOf(values[i], low, perUnit)]++;
    }

    /// <summary>Copies the values of one step, in order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void CopyStep(T* values, long count, T low, T perUnit, int step, T* to)
    {
        for (long i = 0; i < count; i++)
            if (StepOf(values[i], low, perUnit) == step) *to++ = values[i];
    }

    public static bool HasNaN(T* values, long count)
    {
        for (long i = 0; i < count; i++)
            if (T.IsNaN(values[i])) return true;
        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int StepOf(T value, T low, T perUnit) => Math.Min(Steps - 1, int.CreateSaturating((value - low) * perUnit));

    private static T Median(T a, T b, T c) => a < b ? b < c ? b : a < c ? c : a : a < c ? a : b < c ? c : b;
}
