using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace InterpActors.Compute.Interventions.Kernels;

/// <summary>
/// A weight laid out for a register-blocked matmul: panels of four vectors of outputs, each [in, outputs of the panel], so that the inner
/// loop reads one stream. Each product is summed over the inputs in one fixed order: a token's result does not depend on the
/// other tokens of the batch, nor on threads.
/// </summary>
/// <remarks>The blocking is Goto's (a panel that stays in the cache, a tile of the result that stays in registers); 6 tokens by 4 vectors
/// fill 24 of AVX-512's 32 registers.</remarks>
internal sealed unsafe class PackedWeight<T> : IDisposable where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int Tile = 6;

    /// <summary>Inputs handled before moving on to the next panel: a panel's part must stay in the second-level cache.</summary>
    private static readonly int Depth = 4096 / sizeof(T);

    private static readonly int Panel = 4 * Vector512<T>.Count;

    private readonly int _outputs, _inputs;
    private T* _panels;

    /// <param name="weight">[outputs, inputs], contiguous; not needed afterwards.</param>
    public PackedWeight(T* weight, int outputs, int inputs)
    {
        (_outputs, _inputs) = (outputs, inputs);
        var panels = (outputs + Panel - 1) / Panel;
        Bytes = (long)panels * Panel * inputs * sizeof(T);
        _panels = (T*)NativeMemory.AlignedAlloc((nuint)Math.Max(64, Bytes), 64);
        for (var panel = 0; panel < panels; panel++)
            for (var column = 0; column < Panel; column++)
            {
                var output = panel * Panel + column;
                var to = _panels + (long)panel * Panel * inputs + column;
                if (output < outputs)
                    for (long i = 0, from = (long)output * inputs; i < inputs; i++) to[i * Panel] = weight[from + i];
                else
                    for (long i = 0; i < inputs; i++) to[i * Panel] = T.Zero;
            }
    }

    public long Bytes { get; }

    /// <summary>output = x · Wᵀ + bias for a range of outputs.</summary>
    /// <param name="x">[tokens, inputs]</param>
    /// <param name="bias">[all outputs] or null.</param>
    /// <param name="output">[tokens, count]</param>
    public void Multiply(T* x, int tokens, T* bias, T* output, int firstOutput, int count, int threads)
    {
        ObjectDisposedException.ThrowIf(_panels == null, this);
        var (first, end) = (firstOutput / Panel, (firstOutput + count + Panel - 1) / Panel);
        if (threads <= 1)
            for (var panel = first; panel < end; panel++) MultiplyPanel(panel, x, tokens, bias, output, firstOutput, count);
        else
            Parallel.For(first, end, new ParallelOptions { MaxDegreeOfParallelism = threads }, panel => MultiplyPanel(panel, x, tokens, bias, output, firstOutput, count));
    }

    private void MultiplyPanel(int panel, T* x, int tokens, T* bias, T* output, int firstOutput, int outputs)
    {
        var from = Math.Max(panel * Panel, firstOutput);
        var (width, skipped) = (Math.Min((panel + 1) * Panel, firstOutput + outputs) - from, from - panel * Panel);
        var edge = stackalloc T[Tile * Panel];
        new Span<T>(edge, Tile * Panel).Clear();
        for (var start = 0; start < _inputs; start += Depth)
        {
            var depth = Math.Min(Depth, _inputs - start);
            var part = _panels + ((long)panel * _inputs + start) * Panel;
            for (var token = 0; token < tokens; token += Tile)
            {
                var count = Math.Min(Tile, tokens - token);
                var a = x + (long)token * _inputs + start;
                var c = output + (long)token * outputs + (from - firstOutput);
                if (width == Panel && count == Tile) Multiply(a, _inputs, part, depth, c, outputs, start > 0);
                else
                {
                    // Tiles at the edge go through a full one, so that every token takes the same path.
                    if (start > 0)
                        for (var r = 0; r < count; r++) RowArithmetic<T>.Copy(c + (long)r * outputs, edge + r * Panel + skipped, width);
                    MultiplyEdge(a, count, part, depth, edge, start > 0);
                    for (var r = 0; r < count; r++) RowArithmetic<T>.Copy(edge + r * Panel + skipped, c + (long)r * outputs, width);
                }
                if (bias != null && start + depth == _inputs)
                    for (var r = 0; r < count; r++) RowArithmetic<T>.Add(c + (long)r * outputs, bias + from, width);
            }
        }
    }

    private void MultiplyEdge(T* a, int count, T* panel, int depth, T* edge, bool add)
    {
        var rows = stackalloc T[Tile * depth];
        for (var r = 0; r < Tile; r++) RowArithmetic<T>.Copy(a + (long)Math.Min(r, count - 1) * _inputs, rows + r * depth, depth);
        Multiply(rows, depth, panel, depth, edge, Panel, add);
    }

    /// <summary>c[6, panel] (+)= a[6, depth] · panel[depth, panel].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Multiply(T* a, long aStride, T* panel, int depth, T* c, long cStride, bool add)
    {
        var lanes = Vector512<T>.Count;
        T* a1 = a + aStride, a2 = a1 + aStride, a3 = a2 + aStride, a4 = a3 + aStride, a5 = a4 + aStride;
        T* r1 = c + cStride, r2 = r1 + cStride, r3 = r2 + cStride, r4 = r3 + cStride, r5 = r4 + cStride;
        Vector512<T> c00, c01, c02, c03, c10, c11, c12, c13, c20, c21, c22, c23, c30, c31, c32, c33, c40, c41, c42, c43, c50, c51, c52, c53;
        if (add)
        {
            Load(c, out c00, out c01, out c02, out c03);
            Load(r1, out c10, out c11, out c12, out c13);
            Load(r2, out c20, out c21, out c22, out c23);
            Load(r3, out c30, out c31, out c32, out c33);
            Load(r4, out c40, out c41, out c42, out c43);
            Load(r5, out c50, out c51, out c52, out c53);
        }
        else
        {
            c00 = c01 = c02 = c03 = c10 = c11 = c12 = c13 = c20 = c21 = c22 = c23 = Vector512<T>.Zero;
            c30 = c31 = c32 = c33 = c40 = c41 = c42 = c43 = c50 = c51 = c52 = c53 = Vector512<T>.Zero;
        }
        for (nint k = 0; k < depth; k++, panel += 4 * lanes)
        {
            var (b0, b1, b2, b3) = (Vector512.Load(panel), Vector512.Load(panel + lanes), Vector512.Load(panel + 2 * lanes), Vector512.Load(panel + 3 * lanes));
            var x = Vector512.Create(a[k]);
            c00 = Lanes.Fma(x, b0, c00);
            c01 = Lanes.Fma(x, b1, c01);
            c02 = Lanes.Fma(x, b2, c02);
            c03 = Lanes.Fma(x, b3, c03);
            x = Vector512.Create(a1[k]);
            c10 = Lanes.Fma(x, b0, c10);
            c11 = Lanes.Fma(x, b1, c11);
            c12 = Lanes.Fma(x, b2, c12);
            c13 = Lanes.Fma(x, b3, c13);
            x = Vector512.Create(a2[k]);
            c20 = Lanes.Fma(x, b0, c20);
            c21 = Lanes.Fma(x, b1, c21);
            c22 = Lanes.Fma(x, b2, c22);
            c23 = Lanes.Fma(x, b3, c23);
            x = Vector512.Create(a3[k]);
            c30 = Lanes.Fma(x, b0, c30);
            c31 = Lanes.Fma(x, b1, c31);
            c32 = Lanes.Fma(x, b2, c32);
            c33 = Lanes.Fma(x, b3, c33);
            x = Vector512.Create(a4[k]);
            c40 = Lanes.Fma(x, b0, c40);
            c41 = Lanes.Fma(x, b1, c41);
            c42 = Lanes.Fma(x, b2, c42);
            c43 = Lanes.Fma(x, b3, c43);
            x = Vector512.Create(a5[k]);
            c50 = Lanes.Fma(x, b0, c50);
            c51 = Lanes.Fma(x, b1, c51);
            c52 = Lanes.Fma(x, b2, c52);
            c53 = Lanes.Fma(x, b3, c53);
        }
        Store(c, c00, c01, c02, c03);
        Store(r1, c10, c11, c12, c13);
        Store(r2, c20, c21, c22, c23);
        Store(r3, c30, c31, c32, c33);
        Store(r4, c40, c41, c42, c43);
        Store(r5, c50, c51, c52, c53);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(T* at, out Vector512<T> a, out Vector512<T> b, out Vector512<T> c, out Vector512<T> d)
    {
        a = Vector512.Load(at);
        b = Vector512.Load(at + Vector512<T>.Count);
        c = Vector512.Load(at + 2 * Vector512<T>.Count);
        d = Vector512.Load(at + 3 * Vector512<T>.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(T* at, Vector512<T> a, Vector512<T> b, Vector512<T> c, Vector512<T> d)
    {
        a.Store(at);
        b.Store(at + Vector512<T>.Count);
        c.Store(at + 2 * Vector512<T>.Count);
        d.Store(at + 3 * Vector512<T>.Count);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_panels);
        _panels = null;
    }
}
