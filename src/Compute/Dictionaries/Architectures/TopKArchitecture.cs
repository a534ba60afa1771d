using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Architectures;

/// <summary>The k largest pre-activations of each row, those of them that are positive.</summary>
/// <param name="K">1 to d_sae.</param>
/// <param name="RescalesByDecoderNorm">Pre-activations are multiplied by ‖W_dec‖ before the choice, codes divided by it before decoding.</param>
public sealed record TopKArchitecture(bool SubtractsDecoderBias, int K, bool RescalesByDecoderNorm) : IArchitecture
{
    /// <inheritdoc/>
    public string Name => "topk";

    /// <inheritdoc/>
    public IReadOnlyList<Parameter> Parameters => LinearCode.Plain;

    /// <inheritdoc/>
    public Codes Encode(DictionaryWeights weights, Tensor x)
    {
        var before = LinearCode.PreActivations(weights, x, SubtractsDecoderBias);
        var scaled = DecoderRescaling.Scale(weights, before, RescalesByDecoderNorm);
        var (values, indices) = scaled.topk(K, -1, sorted: false);
        return new Codes(before, zeros_like(scaled).scatter(-1, indices, values.relu()));
    }

    /// <inheritdoc/>
    public Tensor Decode(DictionaryWeights weights, Tensor activations) =>
        DecoderRescaling.Decode(weights, activations, RescalesByDecoderNorm) + weights["b_dec"];

    /// <inheritdoc/>
    public void AddKeys(JsonObject configuration)
    {
        configuration["k"] = K;
        configuration["rescale_acts_by_decoder_norm"] = RescalesByDecoderNorm;
    }
}
