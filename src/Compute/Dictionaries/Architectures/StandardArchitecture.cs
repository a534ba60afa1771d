using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Architectures;

/// <summary>relu((x − b_dec) W_enc + b_enc); trained with an L1 loss weighted by decoder norms.</summary>
public sealed record StandardArchitecture(bool SubtractsDecoderBias) : ITrainableArchitecture
{
    /// <inheritdoc/>
    public string Name => "standard";

    /// <summary>Weight of Σ code · ‖W_dec‖.</summary>
    public double L1 { get; init; } = 1;

    /// <summary>Steps until it has its full weight.</summary>
    public int L1WarmUpSteps { get; init; }

    /// <inheritdoc/>
    public IReadOnlyList<Parameter> Parameters => LinearCode.Plain;

    /// <inheritdoc/>
    public IReadOnlyList<string> LossTerms { get; } = ["mse_loss", "l1_loss"];

    /// <inheritdoc/>
    public double Coefficient(long step) => WarmUp.At(step, L1, L1WarmUpSteps);

    /// <inheritdoc/>
    public Codes Encode(DictionaryWeights weights, Tensor x)
    {
        var before = LinearCode.PreActivations(weights, x, SubtractsDecoderBias);
        return new Codes(before, before.relu());
    }

    /// <inheritdoc/>
    public Tensor Decode(DictionaryWeights weights, Tensor activations) => LinearCode.Decode(weights, activations);

    /// <inheritdoc/>
    public StepLosses Losses(DictionaryWeights weights, Tensor x, StepContext context)
    {
        var codes = Encode(weights, x).Activations;
        var sparsity = (codes * weights.DecoderNorms()).sum(-1).mean();
        return new StepLosses([LinearCode.MeanSquares(Decode(weights, codes) - x), context.Coefficient * sparsity], codes);
    }

    /// <inheritdoc/>
    public void AddTrainingKeys(JsonObject configuration)
    {
        configuration["l1_coefficient"] = L1;
        configuration["lp_norm"] = 1.0;
        configuration["l1_warm_up_steps"] = L1WarmUpSteps;
    }
}
