using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Architectures;

/// <summary>One path decides which latents are on (π = x̃ W_enc + b_gate &gt; 0), another how strongly (x̃ W_enc·exp(r_mag) + b_mag).</summary>
public sealed record GatedArchitecture(bool SubtractsDecoderBias) : IArchitecture
{
    /// <inheritdoc/>
    public string Name => "gated";

    /// <inheritdoc/>
    public IReadOnlyList<Parameter> Parameters { get; } =
        [LinearCode.EncoderWeight, new("b_gate", "l"), new("b_mag", "l"), new("r_mag", "l"), LinearCode.DecoderWeight, LinearCode.DecoderBias];

    /// <inheritdoc/>
    public Codes Encode(DictionaryWeights weights, Tensor x)
    {
        var (gate, magnitude) = Paths(weights, x);
        return new Codes(magnitude, magnitude.relu() * (gate > 0).to_type(magnitude.dtype));
    }

    /// <inheritdoc/>
    public Tensor Decode(DictionaryWeights weights, Tensor activations) => LinearCode.Decode(weights, activations);

    private (Tensor Gate, Tensor Magnitude) Paths(DictionaryWeights weights, Tensor x)
    {
        var centred = LinearCode.Centre(weights, x, SubtractsDecoderBias);
        var gate = centred.matmul(weights["W_enc"]) + weights["b_gate"];
        return (gate, centred.matmul(weights["W_enc"] * weights["r_mag"].exp()) + weights["b_mag"]);
    }
}
