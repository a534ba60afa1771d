using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Architectures;

/// <summary>
/// One path decides which latents are on (π = x̃ W_enc + b_gate &gt; 0), another how strongly (x̃ W_enc·exp(r_mag) + b_mag). The gate
/// learns from the L1 loss of relu(π) and from a reconstruction of its own, whose gradients reach the decoder too.
/// </summary>
public sealed record GatedArchitecture(bool SubtractsDecoderBias) : ITrainableArchitecture
{
    /// <inheritdoc/>
    public string Name => "gated";

    /// <summary>Weight of Σ relu(π) · ‖W_dec‖.</summary>
    public double L1 { get; init; } = 1;

    /// <summary>Steps until it has its full weight.</summary>
    public int L1WarmUpSteps { get; init; }

    /// <inheritdoc/>
    public IReadOnlyList<Parameter> Parameters { get; } =
        [LinearCode.EncoderWeight, new("b_gate", "l"), new("b_mag", "l"), new("r_mag", "l"), LinearCode.DecoderWeight,
            LinearCode.DecoderBias];

    /// <inheritdoc/>
    public IReadOnlyList<string> LossTerms { get; } = ["mse_loss", "l1_loss", "auxiliary_reconstruction_loss"];

    /// <inheritdoc/>
    public double Coefficient(long step) => WarmUp.At(step, L1, L1WarmUpSteps);

    /// <inheritdoc/>
    public Codes Encode(DictionaryWeights weights, Tensor x)
    {
        var (gate, magnitude) = Paths(weights, x);
        return new Codes(magnitude, magnitude.relu() * (gate > 0).to_type(magnitude.dtype));
    }

    /// <inheritdoc/>
    public Tensor Decode(DictionaryWeights weights, Tensor activations) => LinearCode.Decode(weights, activations);

    /// <inheritdoc/>
    public StepLosses Losses(DictionaryWeights weights, Tensor x, StepContext context)
    {
        var (gate, magnitude) = Paths(weights, x);
        var codes = magnitude.relu() * (gate > 0).to_type(magnitude.dtype);
        var open = gate.relu();
        var sparsity = (open * weights.DecoderNorms()).sum(-1).mean();
        return new StepLosses([LinearCode.MeanSquares(Decode(weights, codes) - x), context.Coefficient * sparsity,
            LinearCode.MeanSquares(Decode(weights, open) - x)], codes);
    }

    /// <inheritdoc/>
    public void AddTrainingKeys(JsonObject configuration)
    {
        configuration["l1_coefficient"] = L1;
        configuration["l1_warm_up_steps"] = L1WarmUpSteps;
    }

    private (Tensor Gate, Tensor Magnitude) Paths(DictionaryWeights weights, Tensor x)
    {
        var centred = LinearCode.Centre(weights, x, SubtractsDecoderBias);
        var gate = centred.matmul(weights["W_enc"]) + weights["b_gate"];
        return (gate, centred.matmul(weights["W_enc"] * weights["r_mag"].exp()) + weights["b_mag"]);
    }
}
