using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Architectures;

/// <summary>
/// In training the k · rows largest activations of the whole batch; at inference, where a row must not depend on its batch, all above
/// one threshold (<c>topk_threshold</c>): the moving average of the smallest activation that training kept.
/// </summary>
/// <param name="K">Mean number of latents a row; may be fractional.</param>
/// <param name="RescalesByDecoderNorm">As in <see cref="TopKArchitecture"/>.</param>
public record BatchTopKArchitecture(bool SubtractsDecoderBias, double K, bool RescalesByDecoderNorm) : IArchitecture
{
    /// <inheritdoc/>
    public virtual string Name => "batchtopk";

    /// <inheritdoc/>
    public IReadOnlyList<Parameter> Parameters { get; } = [.. LinearCode.Plain, new("topk_threshold", "")];

    /// <inheritdoc/>
    public Codes Encode(DictionaryWeights weights, Tensor x)
    {
        var before = LinearCode.PreActivations(weights, x, SubtractsDecoderBias);
        var scaled = DecoderRescaling.Scale(weights, before, RescalesByDecoderNorm);
        return new Codes(before, scaled.relu() * (scaled > weights["topk_threshold"]).to_type(scaled.dtype));
    }

    /// <inheritdoc/>
    public Tensor Decode(DictionaryWeights weights, Tensor activations) =>
        DecoderRescaling.Decode(weights, activations, RescalesByDecoderNorm) + weights["b_dec"];

    /// <inheritdoc/>
    public virtual void AddKeys(JsonObject configuration)
    {
        configuration["k"] = K;
        configuration["rescale_acts_by_decoder_norm"] = RescalesByDecoderNorm;
    }
}
