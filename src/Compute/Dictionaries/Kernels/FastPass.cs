using System.Numerics;

namespace InterpActors.Compute.Dictionaries.Kernels;

/// <summary>What a pass over a batch found beside gradients.</summary>
/// <param name="Error">Σ over rows of the squared error.</param>
/// <param name="DeadError">Σ over rows of the squared error of the auxiliary reconstruction.</param>
/// <param name="Sparsity">Σ code · ‖W_dec‖.</param>
/// <param name="Pairs">Codes that are not 0.</param>
/// <param name="Smallest">Smallest code that was kept, in units of the choice; null where none was.</param>
internal readonly record struct PassResult(double Error, double DeadError, double Sparsity, long Pairs, double? Smallest);

/// <summary>Forward and backward over a batch: the common end of the sparse and the dense way.</summary>
internal abstract unsafe class FastPass<T> : IDisposable where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Latents whose sums are added up before they join others: the same on every machine.</summary>
    protected const int LatentBlock = 64;

    private readonly NativeRows<T> _blockSums;
    private readonly double[] _squares;

    protected FastPass(FastParameters<T> parameters, BatchRows<T> rows, bool subtractsDecoderBias, int threads)
    {
        (Parameters, Rows, SubtractsDecoderBias, Threads) = (parameters, rows, subtractsDecoderBias, threads);
        _blockSums = new NativeRows<T>(LatentBlocks, parameters.Inputs);
        _squares = new double[parameters.Latents];
        (Fired, CodeSums) = (new long[parameters.Latents], new double[parameters.Latents]);
    }

    /// <summary>Rows in which each latent fired.</summary>
    public long[] Fired { get; }

    /// <summary>Norm of all gradients together.</summary>
    public double GradientNorm { get; private set; }

    protected FastParameters<T> Parameters { get; }

    protected BatchRows<T> Rows { get; }

    protected bool SubtractsDecoderBias { get; }

    protected int Threads { get; }

    /// <summary>Σ over rows of each latent's codes.</summary>
    protected double[] CodeSums { get; }

    protected int LatentBlocks => (Parameters.Latents + LatentBlock - 1) / LatentBlock;

    public virtual void Dispose() => _blockSums.Dispose();

    /// <summary>Begins a row's error with −x̃, to which the reconstruction is added.</summary>
    protected void BeginError(int row)
    {
        T* error = Rows.Gradients.Row(row), x = Rows.Inputs.Row(row);
        var width = Parameters.Stride;
        if (SubtractsDecoderBias) PaddedVectors<T>.Scale(x, -T.One, error, width);
        else PaddedVectors<T>.Subtract(Parameters.DecoderBias.Values.Data, x, error, width);
    }

    /// <summary>
    /// The end of a block of latents whose rows of both gradients are complete but for the sparsity loss:
    /// adds it, and sums what the norm and b_dec need.
    /// </summary>
    /// <param name="perCode">Weight of the sparsity loss over the number of rows.</param>
    protected void FinishBlock(int block, double perCode)
    {
        var (decoder, encoder, width) = (Parameters.Decoder, Parameters.Encoder, Parameters.Stride);
        T* bias = Parameters.EncoderBias.Gradient.Data, sum = _blockSums.Row(block);
        new Span<T>(sum, width).Clear();
        for (var latent = block * LatentBlock; latent < Math.Min(Parameters.Latents, (block + 1) * LatentBlock); latent++)
        {
            if (perCode != 0 && CodeSums[latent] != 0)
            {
                var factor = perCode * CodeSums[latent] / double.CreateChecked(Parameters.Norms.Data[latent]);
                PaddedVectors<T>.AddScaled(decoder.Gradient.Row(latent), T.CreateChecked(factor), decoder.Values.Row(latent), width);
            }
            _squares[latent] = double.CreateChecked(PaddedVectors<T>.SquaredNorm(decoder.Gradient.Row(latent), width))
                + double.CreateChecked(PaddedVectors<T>.SquaredNorm(encoder.Gradient.Row(latent), width))
                + double.CreateChecked(bias[latent]) * double.CreateChecked(bias[latent]);
            if (SubtractsDecoderBias) PaddedVectors<T>.AddScaled(sum, bias[latent], encoder.Values.Row(latent), width);
        }
    }

    /// <summary>The gradient of b_dec, without a matmul: Σ over rows of the error's minus, where b_dec is subtracted from the input, what
    /// reaches the encoder. Then the norm of everything.</summary>
    protected double FinishAll()
    {
        var total = Parameters.DecoderBias.Gradient.Data;
        var width = Parameters.Stride;
        Rows.SumColumns(total);
        if (SubtractsDecoderBias)
            for (var block = 0; block < LatentBlocks; block++) PaddedVectors<T>.AddScaled(total, -T.One, _blockSums.Row(block), width);
        var (squares, sparsity) = (double.CreateChecked(PaddedVectors<T>.SquaredNorm(total, width)), 0.0);
        for (var latent = 0; latent < Parameters.Latents; latent++)
        {
            squares += _squares[latent];
            sparsity += CodeSums[latent] * double.CreateChecked(Parameters.Norms.Data[latent]);
        }
        GradientNorm = Math.Sqrt(squares);
        return sparsity;
    }
}
