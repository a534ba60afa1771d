using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace InterpActors.Compute.Interventions.Kernels;

/// <summary>
/// Vector arithmetic over float or double. Kernels work on one token's vector at a time and sum in an order that depends on its width
/// alone, so a token's numbers never depend on which other tokens are computed beside it.
/// </summary>
internal static class Lanes
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Fma<T>(Vector512<T> a, Vector512<T> b, Vector512<T> c) where T : unmanaged =>
        typeof(T) == typeof(float) ? Vector512.FusedMultiplyAdd(a.AsSingle(), b.AsSingle(), c.AsSingle()).As<float, T>()
            : Vector512.FusedMultiplyAdd(a.AsDouble(), b.AsDouble(), c.AsDouble()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Fma<T>(Vector256<T> a, Vector256<T> b, Vector256<T> c) where T : unmanaged =>
        typeof(T) == typeof(float) ? Vector256.FusedMultiplyAdd(a.AsSingle(), b.AsSingle(), c.AsSingle()).As<float, T>()
            : Vector256.FusedMultiplyAdd(a.AsDouble(), b.AsDouble(), c.AsDouble()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Exp<T>(Vector512<T> x) where T : unmanaged =>
        typeof(T) == typeof(float) ? Vector512.Exp(x.AsSingle()).As<float, T>() : Vector512.Exp(x.AsDouble()).As<double, T>();

    /// <summary>Σ a·b.</summary>
    public static unsafe T Dot<T>(T* a, T* b, int width) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var sum = Vector512<T>.Zero;
        var i = 0;
        for (; i <= width - Vector512<T>.Count; i += Vector512<T>.Count) sum = Fma(Vector512.Load(a + i), Vector512.Load(b + i), sum);
        var total = Vector512.Sum(sum);
        for (; i < width; i++) total = T.FusedMultiplyAdd(a[i], b[i], total);
        return total;
    }
}
