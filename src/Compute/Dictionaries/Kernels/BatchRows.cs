using System.Numerics;

namespace InterpActors.Compute.Dictionaries.Kernels;

/// <summary>What a step keeps of each row of its batch. Buffers grow with the largest batch and stay.</summary>
internal sealed unsafe class BatchRows<T> : IDisposable where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Rows handled at a time: whole tiles, and their pre-activations stay near the processor.</summary>
    public const int ChunkRows = 48;

    private readonly int _width;

    public BatchRows(int width)
    {
        _width = width;
        (Inputs, Gradients) = (new NativeRows<T>(0, width), new NativeRows<T>(0, width));
        (DeadGradients, ColumnSums) = (new NativeRows<T>(0, width), new NativeRows<T>(0, width));
    }

    public int Rows { get; private set; }

    public int Chunks => (Rows + ChunkRows - 1) / ChunkRows;

    /// <summary>What is encoded: [rows, d_in]; rows of 0 fill up the last chunk.</summary>
    public NativeRows<T> Inputs { get; }

    /// <summary>Gradient of the mean squared error in each row's reconstruction.</summary>
    public NativeRows<T> Gradients { get; }

    /// <summary>Gradient of the auxiliary loss in what dead latents make of each row.</summary>
    public NativeRows<T> DeadGradients { get; }

    /// <summary>Sums of <see cref="Gradients"/> over the rows of each chunk.</summary>
    public NativeRows<T> ColumnSums { get; }

    /// <summary>Squared error of each row.</summary>
    public double[] Errors { get; private set; } = [];

    /// <summary>Squared error of each row's auxiliary reconstruction.</summary>
    public double[] DeadErrors { get; private set; } = [];

    /// <summary>Rows of a chunk.</summary>
    public int RowsOf(int chunk) => Math.Min(ChunkRows, Rows - chunk * ChunkRows);

    /// <summary>Takes a batch over: [rows, d_in] without padding, minus a centre where there is one.</summary>
    public void Load(T* batch, int rows, T* centre, bool withDead, int threads)
    {
        Rows = rows;
        Inputs.Reserve((long)Chunks * ChunkRows);
        Gradients.Reserve((long)Chunks * ChunkRows);
        if (withDead) DeadGradients.Reserve((long)Chunks * ChunkRows);
        ColumnSums.Reserve(Chunks);
        if (Errors.Length < rows) (Errors, DeadErrors) = (new double[rows], new double[rows]);
        Workers.Run(Chunks, threads, (_, chunk) =>
        {
            for (var row = chunk * ChunkRows; row < (chunk + 1) * ChunkRows; row++)
            {
                var to = Inputs.Row(row);
                if (row >= rows)
                {
                    new Span<T>(to, Inputs.Stride).Clear();
                    continue;
                }
                new ReadOnlySpan<T>(batch + (long)row * _width, _width).CopyTo(new Span<T>(to, _width));
                if (centre != null) PaddedVectors<T>.Subtract(to, centre, to, Inputs.Stride);
            }
        });
    }

    /// <summary>Squares a row's error, which lies in <see cref="Gradients"/>, and makes the gradient of the loss of it.</summary>
    public void FinishRow(int row)
    {
        var error = Gradients.Row(row);
        Errors[row] = double.CreateChecked(PaddedVectors<T>.SquaredNorm(error, Gradients.Stride));
        PaddedVectors<T>.Scale(error, T.CreateChecked(2.0 / Rows), error, Gradients.Stride);
    }

    /// <summary>Fills a chunk's part of <see cref="ColumnSums"/>.</summary>
    public void SumChunk(int chunk)
    {
        var sum = ColumnSums.Row(chunk);
        new Span<T>(sum, Gradients.Stride).Clear();
        for (var row = chunk * ChunkRows; row < chunk * ChunkRows + RowsOf(chunk); row++)
            PaddedVectors<T>.AddScaled(sum, T.One, Gradients.Row(row), Gradients.Stride);
    }

    /// <summary>Sum over rows, in their order.</summary>
    public double Sum(double[] values)
    {
        var sum = 0.0;
        for (var row = 0; row < Rows; row++) sum += values[row];
        return sum;
    }

    /// <summary>Σ of <see cref="Gradients"/> over all rows.</summary>
    public void SumColumns(T* sum)
    {
        new Span<T>(sum, Gradients.Stride).Clear();
        for (var chunk = 0; chunk < Chunks; chunk++) PaddedVectors<T>.AddScaled(sum, T.One, ColumnSums.Row(chunk), Gradients.Stride);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Inputs.Dispose();
        Gradients.Dispose();
        DeadGradients.Dispose();
        ColumnSums.Dispose();
    }
}
