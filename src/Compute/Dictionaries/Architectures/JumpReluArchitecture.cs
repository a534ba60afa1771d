using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Architectures;

/// <summary>relu(h) · 1[h &gt; θ] with a threshold θ for each latent (<c>threshold</c>).</summary>
public sealed record JumpReluArchitecture(bool SubtractsDecoderBias) : IArchitecture
{
    /// <inheritdoc/>
    public string Name => "jumprelu";

    /// <inheritdoc/>
    public IReadOnlyList<Parameter> Parameters { get; } = [.. LinearCode.Plain, LinearCode.Threshold];

    /// <inheritdoc/>
    public Codes Encode(DictionaryWeights weights, Tensor x)
    {
        var before = LinearCode.PreActivations(weights, x, SubtractsDecoderBias);
        return new Codes(before, before.relu() * (before > weights["threshold"]).to_type(before.dtype));
    }

    /// <inheritdoc/>
    public Tensor Decode(DictionaryWeights weights, Tensor activations) => LinearCode.Decode(weights, activations);
}
