using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace InterpActors.Compute.Interventions.Kernels;

/// <summary>x · Wᵀ + b by torch's matmul or by oneDNN.</summary>
internal static class LinearLayer
{
    /// <summary>Below so many tokens oneDNN's reordering of the weight costs more than it gains.</summary>
    public const int SmallestOneDnnBatch = 96;

    private static readonly long[] One = [1, 1], Zero = [0, 0], Two = [2, 2];

    /// <param name="x">[tokens, in], contiguous.</param>
    /// <param name="weight">[out, in], contiguous.</param>
    /// <param name="bias">[out] or null.</param>
    /// <returns>[tokens, out], contiguous.</returns>
    public static Tensor Apply(Tensor x, Tensor weight, Tensor? bias, MatmulRoute route)
    {
        if (route != MatmulRoute.OneDnn || x.dtype != ScalarType.Float32 || x.shape[0] < SmallestOneDnnBatch)
            return F.linear(x, weight, bias);
        // A 1x1 convolution over a channels-last image of tokens x 1 pixels is this matmul. Dilation means nothing to a 1x1 kernel,
        // but without it torch sends single-threaded 1x1 convolutions to MKL, not to oneDNN.
        var (tokens, inputs, outputs) = (x.shape[0], x.shape[1], weight.shape[0]);
        var image = x.view(1, tokens, 1, inputs).permute(0, 3, 1, 2);
        return F.conv2d(image, weight.view(outputs, inputs, 1, 1), bias, One, Zero, Two).permute(0, 2, 3, 1).reshape(tokens, outputs);
    }
}
