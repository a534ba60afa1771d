using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Architectures;

/// <summary>The k largest pre-activations of each row, those of them that are positive; dead latents learn from the rest.</summary>
/// <param name="K">1 to d_sae.</param>
/// <param name="RescalesByDecoderNorm">Pre-activations are multiplied by ‖W_dec‖ before the choice, codes divided by it after.</param>
public sealed record TopKArchitecture(bool SubtractsDecoderBias, int K, bool RescalesByDecoderNorm) : ITrainableArchitecture
{
    /// <inheritdoc/>
    public string Name => "topk";

    /// <summary>Weight of the <see cref="DeadLatentLoss"/>.</summary>
    public double DeadLatentWeight { get; init; } = 1;

    /// <summary>k of the first step, where it is not the same throughout.</summary>
    public int? FirstK { get; init; }

    /// <summary>Steps over which k goes from <see cref="FirstK"/> to <see cref="K"/>.</summary>
    public int KSteps { get; init; }

    /// <inheritdoc/>
    public IReadOnlyList<Parameter> Parameters => LinearCode.Plain;

    /// <inheritdoc/>
    public IReadOnlyList<string> LossTerms { get; } = ["mse_loss", "auxiliary_reconstruction_loss"];

    /// <summary>k of a training step, rounded.</summary>
    public int KAt(long step) => FirstK is { } first ? (int)Math.Round(WarmUp.Between(step, first, K, KSteps)) : K;

    /// <inheritdoc/>
    double? ITrainableArchitecture.KeptAt(long step) => KAt(step);

    /// <inheritdoc/>
    public Codes Encode(DictionaryWeights weights, Tensor x)
    {
        var before = LinearCode.PreActivations(weights, x, SubtractsDecoderBias);
        return new Codes(before, Choose(DecoderRescaling.Scale(weights, before, RescalesByDecoderNorm), K));
    }

    /// <inheritdoc/>
    public Tensor Decode(DictionaryWeights weights, Tensor activations) =>
        DecoderRescaling.Decode(weights, activations, RescalesByDecoderNorm) + weights["b_dec"];

    /// <inheritdoc/>
    public StepLosses Losses(DictionaryWeights weights, Tensor x, StepContext context)
    {
        var before = DecoderRescaling.Scale(weights, LinearCode.PreActivations(weights, x, SubtractsDecoderBias), RescalesByDecoderNorm);
        var codes = Choose(before, KAt(context.Step));
        var directions = DecoderRescaling.Directions(weights, RescalesByDecoderNorm);
        var error = codes.matmul(directions) + weights["b_dec"] - x;
        var dead = DeadLatentLoss.Of(before, directions, -error.detach(), context.Dead);
        return new StepLosses([LinearCode.MeanSquares(error), dead is null ? zeros([], x.dtype) : DeadLatentWeight * dead], codes);
    }

    /// <inheritdoc/>
    public void AddKeys(JsonObject configuration)
    {
        configuration["k"] = K;
        configuration["rescale_acts_by_decoder_norm"] = RescalesByDecoderNorm;
    }

    /// <inheritdoc/>
    public void AddTrainingKeys(JsonObject configuration)
    {
        configuration["use_sparse_activations"] = false;
        configuration["aux_loss_coefficient"] = DeadLatentWeight;
    }

    private static Tensor Choose(Tensor scaled, int k)
    {
        var (values, indices) = scaled.topk(k, -1, sorted: false);
        return zeros_like(scaled).scatter(-1, indices, values.relu());
    }
}
