using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Architectures;

/// <summary>relu((x − b_dec) W_enc + b_enc); trained with an L1 loss weighted by decoder norms.</summary>
public sealed record StandardArchitecture(bool SubtractsDecoderBias) : IArchitecture
{
    /// <inheritdoc/>
    public string Name => "standard";

    /// <inheritdoc/>
    public IReadOnlyList<Parameter> Parameters => LinearCode.Plain;

    /// <inheritdoc/>
    public Codes Encode(DictionaryWeights weights, Tensor x)
    {
        var before = LinearCode.PreActivations(weights, x, SubtractsDecoderBias);
        return new Codes(before, before.relu());
    }

    /// <inheritdoc/>
    public Tensor Decode(DictionaryWeights weights, Tensor activations) => LinearCode.Decode(weights, activations);
}
