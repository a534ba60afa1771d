using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using InterpActors.Compute.Interventions.Kernels;

namespace InterpActors.Compute.Dictionaries.Kernels;

/// <summary>
/// The standard architecture's forward and backward while many codes are not 0, as at the beginning of a run: five matmuls over chunks of
/// rows, each result summed in the order of its rows or latents.
/// </summary>
internal sealed unsafe class DenseStandardPass<T> : FastPass<T> where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Rows at a time: their codes and the gradients that they add to are read once for each.</summary>
    private const int ChunkRows = 8 * BatchRows<T>.ChunkRows;

    /// <summary>Latents at a time whose codes and gradients stay in the second-level cache; whole tiles.</summary>
    private const int TileLatents = 96;

    private static readonly int DecoderDepth = 2048 / sizeof(T);

    private readonly NativeRows<T> _codes, _changes, _decoderPanels;
    private readonly int _hStride;

    public DenseStandardPass(FastParameters<T> parameters, BatchRows<T> rows, bool subtractsDecoderBias, int threads)
        : base(parameters, rows, subtractsDecoderBias, threads)
    {
        // An odd number of cache lines from row to row: reading down a column must not fall into few sets of the cache.
        _hStride = parameters.PaddedLatents + 5 * Vector512<T>.Count;
        _codes = new NativeRows<T>(ChunkRows, parameters.PaddedLatents, _hStride);
        _changes = new NativeRows<T>(ChunkRows, parameters.PaddedLatents, _hStride);
        var width = FastParameters<T>.PanelWidth;
        _decoderPanels = new NativeRows<T>((long)parameters.Panels * parameters.Inputs, width, width);
    }

    /// <param name="perCode">Weight of the sparsity loss over the number of rows.</param>
    public PassResult Run(double perCode)
    {
        Array.Clear(Fired);
        Array.Clear(CodeSums);
        new Span<T>(Parameters.EncoderBias.Gradient.Data, Parameters.PaddedLatents).Clear();
        Workers.Run(Parameters.Panels, Threads, (_, panel) => Parameters.Pack(Parameters.Decoder.Values, _decoderPanels, panel));
        for (var first = 0; first < Rows.Rows; first += ChunkRows)
        {
            // Rows.Inputs is filled up to whole chunks of an eighth of this size.
            var (start, rows) = (first, Math.Min(ChunkRows, Rows.Rows - first));
            var whole = (rows + BatchRows<T>.ChunkRows - 1) / BatchRows<T>.ChunkRows * BatchRows<T>.ChunkRows;
            Workers.Run(Parameters.Panels, Threads, (_, panel) => Encode(panel, start, rows, whole));
            var (columns, halves) = (Parameters.Stride / FastParameters<T>.PanelWidth, whole / BatchRows<T>.ChunkRows);
            Workers.Run(columns * halves, Threads, (_, item) => Decode(item % columns, start, item / columns * BatchRows<T>.ChunkRows));
            Workers.Run(whole, Threads, (_, row) => FinishRow(start + row));
            Workers.Run(Parameters.Panels, Threads, (_, panel) => Change(panel, start, rows, whole, perCode));
            Workers.Run((Parameters.Latents + TileLatents - 1) / TileLatents, Threads,
                (_, item) => Accumulate(item * TileLatents, start, whole));
        }
        Workers.Run(Rows.Chunks, Threads, (_, chunk) => Rows.SumChunk(chunk));
        Workers.Run(LatentBlocks, Threads, (_, block) => FinishBlock(block, perCode));
        var sparsity = FinishAll();
        return new PassResult(Rows.Sum(Rows.Errors), 0, sparsity, Fired.Sum(), null);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        _codes.Dispose();
        _changes.Dispose();
        _decoderPanels.Dispose();
    }

    /// <summary>A panel's codes of a chunk; rows beyond the last have none.</summary>
    private void Encode(int panel, int first, int rows, int whole)
    {
        Parameters.Encode(panel, Rows.Inputs.Row(first), whole, _codes.Data, _hStride);
        var column = panel * FastParameters<T>.PanelWidth;
        for (var i = column; i < column + FastParameters<T>.PanelWidth; i += Vector512<T>.Count)
        {
            var (fired, sums) = (Vector512<T>.Zero, Vector512<T>.Zero);
            for (var row = 0; row < whole; row++)
            {
                var at = _codes.Row(row) + i;
                var code = row < rows ? Vector512.Max(Vector512.Load(at), Vector512<T>.Zero) : Vector512<T>.Zero;
                code.Store(at);
                fired += Vector512.ConditionalSelect(Vector512.Equals(code, Vector512<T>.Zero), Vector512<T>.Zero, Vector512<T>.One);
                sums += code;
            }
            for (var lane = 0; lane < Vector512<T>.Count && i + lane < Parameters.Latents; lane++)
            {
                Fired[i + lane] += long.CreateChecked(fired[lane]);
                CodeSums[i + lane] += double.CreateChecked(sums[lane]);
            }
        }
    }

    /// <summary>Some columns of the reconstructions of some rows, without bias.</summary>
    private void Decode(int column, int first, int start)
    {
        var (offset, stride) = (column * FastParameters<T>.PanelWidth, Parameters.Stride);
        for (var latent = 0; latent < Parameters.Latents; latent += DecoderDepth)
        {
            var depth = Math.Min(DecoderDepth, Parameters.Latents - latent);
            for (var row = start; row < start + BatchRows<T>.ChunkRows; row += MatmulTile<T>.Rows)
                MatmulTile<T>.Multiply(_codes.Row(row) + latent, _hStride, 1, Parameters.Decoder.Values.Row(latent) + offset, stride,
                    depth, Rows.Gradients.Row(first + row) + offset, stride, latent > 0);
        }
    }

    private void FinishRow(int row)
    {
        var error = Rows.Gradients.Row(row);
        var width = Parameters.Stride;
        if (row >= Rows.Rows)
        {
            new Span<T>(error, width).Clear();
            return;
        }
        PaddedVectors<T>.Subtract(error, Rows.Inputs.Row(row), error, width);
        if (!SubtractsDecoderBias) PaddedVectors<T>.AddScaled(error, T.One, Parameters.DecoderBias.Values.Data, width);
        Rows.FinishRow(row);
    }

    /// <summary>The gradient of the loss in a panel's pre-activations.</summary>
    private void Change(int panel, int first, int rows, int whole, double perCode)
    {
        Parameters.Multiply(_decoderPanels, panel, Rows.Gradients.Row(first), whole, _changes.Data, _hStride, _ => { });
        var bias = Parameters.EncoderBias.Gradient.Data;
        var (column, weight) = (panel * FastParameters<T>.PanelWidth, T.CreateChecked(perCode));
        for (var i = column; i < column + FastParameters<T>.PanelWidth; i += Vector512<T>.Count)
        {
            var sparsity = Vector512.Load(Parameters.Norms.Data + i) * Vector512.Create(weight);
            var sum = Vector512.Load(bias + i);
            for (var row = 0; row < rows; row++)
            {
                var at = _changes.Row(row) + i;
                var active = Vector512.GreaterThan(Vector512.Load(_codes.Row(row) + i), Vector512<T>.Zero);
                var change = Vector512.ConditionalSelect(active, Vector512.Load(at) + sparsity, Vector512<T>.Zero);
                change.Store(at);
                sum += change;
            }
            sum.Store(bias + i);
        }
    }

    /// <summary>Adds a chunk to the gradients of some latents' rows of encoder and decoder.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Accumulate(int firstLatent, int first, int rows)
    {
        var (stride, add) = (Parameters.Stride, first > 0);
        for (var column = 0; column < stride; column += FastParameters<T>.PanelWidth)
            for (var latent = firstLatent; latent < Math.Min(Parameters.Latents, firstLatent + TileLatents); latent += MatmulTile<T>.Rows)
            {
                MatmulTile<T>.Multiply(_codes.Data + latent, 1, _hStride, Rows.Gradients.Row(first) + column, stride, rows,
                    Parameters.Decoder.Gradient.Row(latent) + column, stride, add);
                MatmulTile<T>.Multiply(_changes.Data + latent, 1, _hStride, Rows.Inputs.Row(first) + column, stride, rows,
                    Parameters.Encoder.Gradient.Row(latent) + column, stride, add);
            }
    }
}
