using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Architectures;

/// <summary>The k pre-activations of each row that are largest in magnitude, with their signs.</summary>
/// <param name="K">1 to d_sae.</param>
/// <param name="RescalesByDecoderNorm">As in <see cref="TopKArchitecture"/>.</param>
public sealed record AbsTopKArchitecture(bool SubtractsDecoderBias, int K, bool RescalesByDecoderNorm) : IArchitecture
{
    /// <inheritdoc/>
    public string Name => "abstopk";

    /// <inheritdoc/>
    public IReadOnlyList<Parameter> Parameters => LinearCode.Plain;

    /// <inheritdoc/>
    public Codes Encode(DictionaryWeights weights, Tensor x)
    {
        var before = LinearCode.PreActivations(weights, x, SubtractsDecoderBias);
        var scaled = DecoderRescaling.Scale(weights, before, RescalesByDecoderNorm);
        var (_, indices) = scaled.abs().topk(K, -1, sorted: false);
        return new Codes(before, zeros_like(scaled).scatter(-1, indices, scaled.gather(-1, indices)));
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
