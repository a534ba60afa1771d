using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using InterpActors.Compute.Interventions.Kernels;

namespace InterpActors.Compute.Dictionaries.Kernels;

/// <summary>
/// Sparse decoding and sparse gradients: work on the pairs of a row and a latent whose code is not 0. How many pairs are handled at a time
/// changes no bit: each sum is taken in the order of the pairs.
/// </summary>
internal static unsafe class PairKernels<T> where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int RowsAtATime = 6;

    /// <summary>sum += Σ code · decoder row over the pairs of one row, in their order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Decode(T* sum, int* latents, T* codes, int count, T* decoder, int stride, int width)
    {
        var lanes = Vector512<T>.Count;
        var at = 0;
        for (; at + 4 <= count; at += 4)
        {
            T* w0 = decoder + (long)latents[at] * stride, w1 = decoder + (long)latents[at + 1] * stride;
            T* w2 = decoder + (long)latents[at + 2] * stride, w3 = decoder + (long)latents[at + 3] * stride;
            var (c0, c1) = (Vector512.Create(codes[at]), Vector512.Create(codes[at + 1]));
            var (c2, c3) = (Vector512.Create(codes[at + 2]), Vector512.Create(codes[at + 3]));
            var next = Math.Min(at + 4, count - 4);
            T* n0 = decoder + (long)latents[next] * stride, n1 = decoder + (long)latents[next + 1] * stride;
            T* n2 = decoder + (long)latents[next + 2] * stride, n3 = decoder + (long)latents[next + 3] * stride;
            for (var i = 0; i < width; i += lanes)
            {
                var s = Vector512.Load(sum + i);
                s = Lanes.Fma(c0, Vector512.Load(w0 + i), s);
                s = Lanes.Fma(c1, Vector512.Load(w1 + i), s);
                s = Lanes.Fma(c2, Vector512.Load(w2 + i), s);
                Lanes.Fma(c3, Vector512.Load(w3 + i), s).Store(sum + i);
                Prefetch(n0 + i);
                Prefetch(n1 + i);
                Prefetch(n2 + i);
                Prefetch(n3 + i);
            }
        }
        for (; at < count; at++) PaddedVectors<T>.AddScaled(sum, codes[at], decoder + (long)latents[at] * stride, width);
    }

    /// <summary>
    /// One latent's gradients: for each of its rows r, dc = G_r · w + <paramref name="perCode"/>; decoder += c G_r, encoder += dc x_r.
    /// </summary>
    /// <param name="rows">Rising.</param>
    /// <param name="g">Gradient of the loss in each row's reconstruction.</param>
    /// <param name="x">Each row's input of the encoder.</param>
    /// <returns>Σ dc.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static T Gradients(int* rows, T* codes, int count, T* g, T* x, int stride, int width, T* w, T perCode, T* decoder, T* encoder)
    {
        var bias = T.Zero;
        var at = 0;
        for (; at + RowsAtATime <= count; at += RowsAtATime)
        {
            var next = Math.Min(at + RowsAtATime, count - RowsAtATime);
            bias = SixRows(rows + at, rows + next, codes + at, g, x, stride, width, w, perCode, decoder, encoder, bias);
        }
        for (; at < count; at++)
        {
            var row = g + (long)rows[at] * stride;
            var c = Vector512.Create(codes[at]);
            var dot = Vector512<T>.Zero;
            for (var i = 0; i < width; i += Vector512<T>.Count)
            {
                var v = Vector512.Load(row + i);
                dot = Lanes.Fma(v, Vector512.Load(w + i), dot);
                Lanes.Fma(c, v, Vector512.Load(decoder + i)).Store(decoder + i);
            }
            var change = PaddedVectors<T>.Sum(dot) + perCode;
            bias += change;
            PaddedVectors<T>.AddScaled(encoder, change, x + (long)rows[at] * stride, width);
        }
        return bias;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static T SixRows(int* rows, int* next, T* codes, T* g, T* x, int stride, int width, T* w, T perCode, T* decoder, T* encoder,
        T bias)
    {
        var lanes = Vector512<T>.Count;
        T* g0 = g + (long)rows[0] * stride, g1 = g + (long)rows[1] * stride, g2 = g + (long)rows[2] * stride;
        T* g3 = g + (long)rows[3] * stride, g4 = g + (long)rows[4] * stride, g5 = g + (long)rows[5] * stride;
        T* x0 = x + (long)rows[0] * stride, x1 = x + (long)rows[1] * stride, x2 = x + (long)rows[2] * stride;
        T* x3 = x + (long)rows[3] * stride, x4 = x + (long)rows[4] * stride, x5 = x + (long)rows[5] * stride;
        var (c0, c1, c2) = (Vector512.Create(codes[0]), Vector512.Create(codes[1]), Vector512.Create(codes[2]));
        var (c3, c4, c5) = (Vector512.Create(codes[3]), Vector512.Create(codes[4]), Vector512.Create(codes[5]));
        Vector512<T> d0, d1, d2, d3, d4, d5;
        d0 = d1 = d2 = d3 = d4 = d5 = Vector512<T>.Zero;
        for (var i = 0; i < width; i += lanes)
        {
            var (weight, sum) = (Vector512.Load(w + i), Vector512.Load(decoder + i));
            var v = Vector512.Load(g0 + i);
            d0 = Lanes.Fma(v, weight, d0);
            sum = Lanes.Fma(c0, v, sum);
            v = Vector512.Load(g1 + i);
            d1 = Lanes.Fma(v, weight, d1);
            sum = Lanes.Fma(c1, v, sum);
            v = Vector512.Load(g2 + i);
            d2 = Lanes.Fma(v, weight, d2);
            sum = Lanes.Fma(c2, v, sum);
            v = Vector512.Load(g3 + i);
            d3 = Lanes.Fma(v, weight, d3);
            sum = Lanes.Fma(c3, v, sum);
            v = Vector512.Load(g4 + i);
            d4 = Lanes.Fma(v, weight, d4);
            sum = Lanes.Fma(c4, v, sum);
            v = Vector512.Load(g5 + i);
            d5 = Lanes.Fma(v, weight, d5);
            Lanes.Fma(c5, v, sum).Store(decoder + i);
            Prefetch(x0 + i);
            Prefetch(x1 + i);
            Prefetch(x2 + i);
            Prefetch(x3 + i);
            Prefetch(x4 + i);
            Prefetch(x5 + i);
        }
        var (e0, e1, e2) = (PaddedVectors<T>.Sum(d0) + perCode, PaddedVectors<T>.Sum(d1) + perCode, PaddedVectors<T>.Sum(d2) + perCode);
        var (e3, e4, e5) = (PaddedVectors<T>.Sum(d3) + perCode, PaddedVectors<T>.Sum(d4) + perCode, PaddedVectors<T>.Sum(d5) + perCode);
        (c0, c1, c2) = (Vector512.Create(e0), Vector512.Create(e1), Vector512.Create(e2));
        (c3, c4, c5) = (Vector512.Create(e3), Vector512.Create(e4), Vector512.Create(e5));
        g0 = g + (long)next[0] * stride;
        g1 = g + (long)next[1] * stride;
        g2 = g + (long)next[2] * stride;
        g3 = g + (long)next[3] * stride;
        g4 = g + (long)next[4] * stride;
        g5 = g + (long)next[5] * stride;
        for (var i = 0; i < width; i += lanes)
        {
            var sum = Lanes.Fma(c0, Vector512.Load(x0 + i), Vector512.Load(encoder + i));
            sum = Lanes.Fma(c1, Vector512.Load(x1 + i), sum);
            sum = Lanes.Fma(c2, Vector512.Load(x2 + i), sum);
            sum = Lanes.Fma(c3, Vector512.Load(x3 + i), sum);
            sum = Lanes.Fma(c4, Vector512.Load(x4 + i), sum);
            Lanes.Fma(c5, Vector512.Load(x5 + i), sum).Store(encoder + i);
            Prefetch(g0 + i);
            Prefetch(g1 + i);
            Prefetch(g2 + i);
            Prefetch(g3 + i);
            Prefetch(g4 + i);
            Prefetch(g5 + i);
        }
        return bias + e0 + e1 + e2 + e3 + e4 + e5;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(T* at)
    {
        if (Sse.IsSupported) Sse.Prefetch0(at);
    }
}
