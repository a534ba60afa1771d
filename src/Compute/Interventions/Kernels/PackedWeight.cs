using System.Numerics;
using System.Runtime.InteropServices;

namespace InterpActors.Compute.Interventions.Kernels;

/// <summary>
/// A weight laid out for a register-blocked matmul: panels of four vectors of outputs, each [in, outputs of the panel], so that the inner
/// loop reads one stream. Each product is summed over the inputs in one fixed order: a token's result does not depend on the
/// other tokens of the batch, nor on threads.
/// </summary>
/// <remarks>The blocking is Goto's: a panel that stays in the cache, a tile of the result that stays in registers.</remarks>
internal sealed unsafe class PackedWeight<T> : IDisposable where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int Tile = MatmulTile<T>.Rows;

    /// <summary>Inputs handled before moving on to the next panel: a panel's part must stay in the second-level cache.</summary>
    private static readonly int Depth = 4096 / sizeof(T);

    private static readonly int Panel = MatmulTile<T>.Width;

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
            Parallel.For(first, end, new ParallelOptions { MaxDegreeOfParallelism = threads }, panel =>
                MultiplyPanel(panel, x, tokens, bias, output, firstOutput, count));
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
                if (width == Panel && count == Tile) MatmulTile<T>.Multiply(a, _inputs, part, depth, c, outputs, start > 0);
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
        MatmulTile<T>.Multiply(rows, depth, panel, depth, edge, Panel, add);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_panels);
        _panels = null;
    }
}
