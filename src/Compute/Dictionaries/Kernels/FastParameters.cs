using System.Numerics;
using InterpActors.Compute.Dictionaries.Training;
using InterpActors.Compute.Interventions.Kernels;
using InterpActors.Compute.Weights;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Kernels;

/// <summary>
/// Weights, gradients and Adam's moments in the layout of the fast kernels: encoder and decoder both a padded row for each latent, and the
/// encoder once more in panels for the matmul.
/// </summary>
internal sealed unsafe class FastParameters<T> : IDisposable where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Depth handled before moving on to the next panel: a panel's part must stay in the second-level cache.</summary>
    private static readonly int Depth = 4096 / sizeof(T);

    private readonly bool _rescales;
    private readonly NativeRows<T> _panels;
    private readonly Group[] _groups;

    public FastParameters(DictionarySizes sizes, bool rescales)
    {
        (Latents, Inputs, _rescales) = (sizes.Latents, sizes.Input, rescales);
        Panels = (Latents + PanelWidth - 1) / PanelWidth;
        PaddedLatents = Panels * PanelWidth;
        (Encoder, Decoder) = (new Group("W_enc", Latents, Inputs, null), new Group("W_dec", Latents, Inputs, null));
        (EncoderBias, DecoderBias) = (new Group("b_enc", 1, Latents, PaddedLatents), new Group("b_dec", 1, Inputs, null));
        _groups = [Encoder, Decoder, EncoderBias, DecoderBias];
        (Norms, Scale) = (new NativeRows<T>(1, PaddedLatents), new NativeRows<T>(1, PaddedLatents));
        _panels = new NativeRows<T>((long)Panels * Inputs, PanelWidth, PanelWidth);
    }

    /// <summary>Latents of a panel.</summary>
    public static int PanelWidth => MatmulTile<T>.Width;

    public int Latents { get; }

    public int Inputs { get; }

    public int Panels { get; }

    /// <summary>Latents filled up to whole panels with such as never fire.</summary>
    public int PaddedLatents { get; }

    public Group Encoder { get; }

    public Group Decoder { get; }

    public Group EncoderBias { get; }

    public Group DecoderBias { get; }

    /// <summary>Elements from row to row of encoder, decoder and activations.</summary>
    public int Stride => Encoder.Values.Stride;

    /// <summary>‖W_dec‖ of each latent.</summary>
    public NativeRows<T> Norms { get; }

    /// <summary>What pre-activations are multiplied by: the norms, or 1.</summary>
    public NativeRows<T> Scale { get; }

    public void Load(TrainingState state)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        foreach (var group in _groups)
        {
            group.Load(group.Values, state.Weights);
            group.Load(group.Means, state.FirstMoments);
            group.Load(group.Squares, state.SecondMoments);
        }
        for (var latent = Latents; latent < PaddedLatents; latent++) EncoderBias.Values.Data[latent] = T.NegativeInfinity;
        for (var panel = 0; panel < Panels; panel++) Refresh(panel);
    }

    /// <summary>Copies everything into a state's tensors.</summary>
    public void Store(TrainingState state)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        foreach (var group in _groups)
        {
            group.Store(group.Values, state.Weights);
            group.Store(group.Means, state.FirstMoments);
            group.Store(group.Squares, state.SecondMoments);
        }
    }

    /// <summary>Pre-activations (x · W_enc + b_enc) · scale of whole tiles of rows, for one panel of latents.</summary>
    /// <param name="h">[rows, padded latents], rows <paramref name="hStride"/> apart.</param>
    public void Encode(int panel, T* x, int rows, T* h, int hStride)
    {
        T* bias = EncoderBias.Values.Data + panel * PanelWidth, scale = Scale.Data + panel * PanelWidth;
        Multiply(_panels, panel, x, rows, h, hStride, tile =>
        {
            for (var r = 0; r < MatmulTile<T>.Rows; r++)
                PaddedVectors<T>.AddThenScale(tile + (long)r * hStride, bias, scale, PanelWidth);
        });
    }

    /// <summary>A panel's columns of x · panelsᵀ; each finished tile of 6 rows is handed on while it is in the cache.</summary>
    public void Multiply(NativeRows<T> panels, int panel, T* x, int rows, T* h, int hStride, TileFinished<T> finished)
    {
        h += panel * PanelWidth;
        for (var start = 0; start < Inputs; start += Depth)
        {
            var depth = Math.Min(Depth, Inputs - start);
            var part = panels.Row((long)panel * Inputs + start);
            for (var row = 0; row < rows; row += MatmulTile<T>.Rows)
            {
                var tile = h + (long)row * hStride;
                MatmulTile<T>.Multiply(x + (long)row * Stride + start, Stride, part, depth, tile, hStride, start > 0);
                if (start + depth == Inputs) finished(tile);
            }
        }
    }

    /// <summary>Adam on a panel's latents, then their norms and their part of the panels.</summary>
    public void Update(int panel, in AdamStep<T> step)
    {
        var (first, end) = (panel * PanelWidth, Math.Min(Latents, (panel + 1) * PanelWidth));
        for (var latent = first; latent < end; latent++)
        {
            Decoder.Adam(latent, 0, Stride, step);
            Encoder.Adam(latent, 0, Stride, step);
        }
        EncoderBias.Adam(0, first, PanelWidth, step);
        Refresh(panel);
    }

    public void UpdateDecoderBias(in AdamStep<T> step) => DecoderBias.Adam(0, 0, Stride, step);

    /// <summary>Rows of a matrix [latents, inputs] in panels [inputs, panel width]; latents beyond the last are 0.</summary>
    public void Pack(NativeRows<T> rows, NativeRows<T> panels, int panel)
    {
        var (first, count) = (panel * PanelWidth, Math.Min(PanelWidth, Latents - panel * PanelWidth));
        var from = rows.Row(first);
        var stride = rows.Stride;
        for (var i = 0; i < Inputs; i++)
        {
            var to = panels.Row((long)panel * Inputs + i);
            for (var column = 0; column < count; column++) to[column] = from[(long)column * stride + i];
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var group in _groups) group.Dispose();
        Norms.Dispose();
        Scale.Dispose();
        _panels.Dispose();
    }

    private void Refresh(int panel)
    {
        for (var latent = panel * PanelWidth; latent < (panel + 1) * PanelWidth; latent++)
        {
            var norm = latent < Latents ? T.Sqrt(PaddedVectors<T>.SquaredNorm(Decoder.Values.Row(latent), Stride)) : T.One;
            Norms.Data[latent] = norm;
            Scale.Data[latent] = _rescales ? norm : T.One;
        }
        Pack(Encoder.Values, _panels, panel);
    }

    /// <summary>A parameter with its gradient and moments; all 0 where there is padding.</summary>
    internal sealed class Group(string name, int rows, int width, int? stride) : IDisposable
    {
        public NativeRows<T> Values { get; } = new(rows, width, stride);

        /// <summary>With room for the rest of a matmul's last tile.</summary>
        public NativeRows<T> Gradient { get; } = new(rows + MatmulTile<T>.Rows, width, stride);

        public NativeRows<T> Means { get; } = new(rows, width, stride);

        public NativeRows<T> Squares { get; } = new(rows, width, stride);

        public void Adam(int row, int start, int count, in AdamStep<T> step) => PaddedVectors<T>.Adam(Values.Row(row) + start,
            Means.Row(row) + start, Squares.Row(row) + start, Gradient.Row(row) + start, count, step);

        public void Load(NativeRows<T> to, DictionaryWeights from)
        {
            var tensor = name == "W_enc" ? from[name].t().contiguous() : from[name].contiguous();
            to.Load((T*)TensorMemory.Address(tensor), rows);
            GC.KeepAlive(tensor);
        }

        public void Store(NativeRows<T> from, DictionaryWeights to)
        {
            var tensor = name == "W_enc" ? empty([rows, width], to[name].dtype) : to[name];
            from.Store((T*)TensorMemory.Address(tensor), rows);
            if (name == "W_enc") to[name].copy_(tensor.t());
            GC.KeepAlive(tensor);
        }

        public void Dispose()
        {
            Values.Dispose();
            Gradient.Dispose();
            Means.Dispose();
            Squares.Dispose();
        }
    }
}

/// <summary>Takes a finished tile of 6 rows by a panel's width.</summary>
internal unsafe delegate void TileFinished<T>(T* tile) where T : unmanaged;
