using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using InterpActors.Compute.Interventions.Kernels;

namespace InterpActors.Compute.Dictionaries.Kernels;

/// <summary>
/// Vector arithmetic over rows padded to whole vectors (<see cref="NativeRows{T}"/>). Sums over a row keep one partial sum for each
/// lane of 64 bytes, added up in one order, whatever the machine's own vectors are.
/// </summary>
internal static unsafe class PaddedVectors<T> where T : unmanaged, IFloatingPointIeee754<T>
{
    private static int Lanes512
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector512<T>.Count;
    }

    /// <summary>Adds lanes up pairwise, halves on halves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Sum(Vector512<T> lanes)
    {
        var half = lanes.GetLower() + lanes.GetUpper();
        var quarter = half.GetLower() + half.GetUpper();
        return typeof(T) == typeof(float)
            ? (quarter[0] + quarter[2]) + (quarter[1] + quarter[3])
            : quarter[0] + quarter[1];
    }

    /// <summary>Σ x².</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static T SquaredNorm(T* x, int width)
    {
        var sum = Vector512<T>.Zero;
        for (var i = 0; i < width; i += Lanes512)
        {
            var v = Vector512.Load(x + i);
            sum = Lanes.Fma(v, v, sum);
        }
        return Sum(sum);
    }

    /// <summary>to = x − y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Subtract(T* x, T* y, T* to, int width)
    {
        for (var i = 0; i < width; i += Lanes512) (Vector512.Load(x + i) - Vector512.Load(y + i)).Store(to + i);
    }

    /// <summary>to = factor · x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scale(T* x, T factor, T* to, int width)
    {
        var f = Vector512.Create(factor);
        for (var i = 0; i < width; i += Lanes512) (Vector512.Load(x + i) * f).Store(to + i);
    }

    /// <summary>sum += factor · x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddScaled(T* sum, T factor, T* x, int width)
    {
        var f = Vector512.Create(factor);
        for (var i = 0; i < width; i += Lanes512) Lanes.Fma(f, Vector512.Load(x + i), Vector512.Load(sum + i)).Store(sum + i);
    }

    /// <summary>x = (x + addend) · factor, element by element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddThenScale(T* x, T* addend, T* factor, int width)
    {
        for (var i = 0; i < width; i += Lanes512)
            ((Vector512.Load(x + i) + Vector512.Load(addend + i)) * Vector512.Load(factor + i)).Store(x + i);
    }

    /// <summary>Adam on some parameters: p −= rate · m / (√v · correction + epsilon).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Adam(T* p, T* m, T* v, T* gradient, int width, in AdamStep<T> step)
    {
        var (b1, g1) = (Vector512.Create(step.Beta1), Vector512.Create(T.One - step.Beta1));
        var (b2, g2) = (Vector512.Create(step.Beta2), Vector512.Create(T.One - step.Beta2));
        var (clip, rate) = (Vector512.Create(step.Clip), Vector512.Create(step.Rate));
        var (correction, epsilon) = (Vector512.Create(step.Correction), Vector512.Create(step.Epsilon));
        for (var i = 0; i < width; i += Lanes512)
        {
            var g = Vector512.Load(gradient + i) * clip;
            var mean = b1 * Vector512.Load(m + i) + g1 * g;
            var square = b2 * Vector512.Load(v + i) + g2 * (g * g);
            mean.Store(m + i);
            square.Store(v + i);
            (Vector512.Load(p + i) - rate * mean / (Vector512.Sqrt(square) * correction + epsilon)).Store(p + i);
        }
    }
}
