using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using InterpActors.Compute.Models;

namespace InterpActors.Compute.Interventions.Kernels;

/// <summary>The MLP's activation function on one token, in one pass, with its gate.</summary>
internal static unsafe class HiddenRow<T> where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>True where <see cref="Activate"/> knows the function; the others need an error function and stay with torch.</summary>
    public static bool Supports(ActivationKind kind) => kind is ActivationKind.GeluTanh or ActivationKind.Silu;

    /// <summary>output = f(x), times up where there is one. <paramref name="output"/> may be <paramref name="x"/>.</summary>
    public static void Activate(ActivationKind kind, T* x, T* up, T* output, int width)
    {
        var i = 0;
        for (; i <= width - Vector512<T>.Count; i += Vector512<T>.Count)
        {
            var y = Apply(kind, Vector512.Load(x + i));
            if (up != null) y *= Vector512.Load(up + i);
            y.Store(output + i);
        }
        if (i == width) return;
        // The rest goes through a vector too: one formula, one rounding.
        var rest = stackalloc T[Vector512<T>.Count];
        new Span<T>(rest, Vector512<T>.Count).Clear();
        new Span<T>(x + i, width - i).CopyTo(new Span<T>(rest, width - i));
        Apply(kind, Vector512.Load(rest)).Store(rest);
        for (var j = 0; i < width; i++, j++) output[i] = up != null ? rest[j] * up[i] : rest[j];
    }

    /// <summary>silu(x) = x / (1 + e^-x); gelu_tanh(x) = x/2 (1 + tanh u) = x / (1 + e^-2u), u = sqrt(2/π) (x + 0.044715 x³).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<T> Apply(ActivationKind kind, Vector512<T> x)
    {
        var exponent = kind == ActivationKind.Silu ? -x
            : x * Constant(-2 * Math.Sqrt(2 / Math.PI)) * Lanes.Fma(x * x, Constant(0.044715), Vector512<T>.One);
        return x / (Vector512<T>.One + Lanes.Exp(exponent));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<T> Constant(double value) => Vector512.Create(T.CreateChecked(value));
}
