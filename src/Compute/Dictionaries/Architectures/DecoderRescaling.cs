using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Architectures;

/// <summary>
/// The top-k family's choice by what a latent writes, not by its raw activation: pre-activations in units of ‖W_dec‖, decoding with
/// rows of norm 1.
/// </summary>
internal static class DecoderRescaling
{
    public static Tensor Scale(DictionaryWeights weights, Tensor preActivations, bool rescale) =>
        rescale ? preActivations * weights.DecoderNorms() : preActivations;

    /// <summary>The rows codes are decoded with: [d_sae, d_out].</summary>
    public static Tensor Directions(DictionaryWeights weights, bool rescale) =>
        rescale ? weights["W_dec"] / weights.DecoderNorms().unsqueeze(1) : weights["W_dec"];

    /// <summary>Codes through the decoder, without b_dec.</summary>
    public static Tensor Decode(DictionaryWeights weights, Tensor codes, bool rescale) =>
        (rescale ? codes * (1 / weights.DecoderNorms()) : codes).matmul(weights["W_dec"]);
}
