using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Architectures;

/// <summary>The affine maps that the architectures share.</summary>
internal static class LinearCode
{
    public static Parameter EncoderWeight { get; } = new("W_enc", "il");
    public static Parameter EncoderBias { get; } = new("b_enc", "l");
    public static Parameter DecoderWeight { get; } = new("W_dec", "lo");
    public static Parameter DecoderBias { get; } = new("b_dec", "o");
    public static Parameter Threshold { get; } = new("threshold", "l");

    /// <summary>W_enc, b_enc, W_dec, b_dec.</summary>
    public static IReadOnlyList<Parameter> Plain { get; } = [EncoderWeight, EncoderBias, DecoderWeight, DecoderBias];

    /// <summary>x − b_dec, or x.</summary>
    public static Tensor Centre(DictionaryWeights weights, Tensor x, bool subtract) => subtract ? x - weights["b_dec"] : x;

    /// <summary>(x − b_dec) W_enc + b_enc.</summary>
    public static Tensor PreActivations(DictionaryWeights weights, Tensor x, bool subtract) =>
        Centre(weights, x, subtract).matmul(weights["W_enc"]) + weights["b_enc"];

    /// <summary>codes · W_dec + b_dec.</summary>
    public static Tensor Decode(DictionaryWeights weights, Tensor codes) => codes.matmul(weights["W_dec"]) + weights["b_dec"];

    /// <summary>Sum over the width, mean over rows: every reconstruction loss.</summary>
    public static Tensor MeanSquares(Tensor error) => error.square().sum(-1).mean();
}
