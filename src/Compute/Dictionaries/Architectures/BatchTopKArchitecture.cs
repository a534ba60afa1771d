using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Architectures;

/// <summary>
/// In training the k · rows largest activations of the whole batch; at inference, where a row must not depend on its batch, all above
/// one threshold (<c>topk_threshold</c>): the moving average of the smallest activation that training kept.
/// </summary>
/// <param name="K">Mean number of latents a row; may be fractional.</param>
/// <param name="RescalesByDecoderNorm">As in <see cref="TopKArchitecture"/>.</param>
public record BatchTopKArchitecture(bool SubtractsDecoderBias, double K, bool RescalesByDecoderNorm) : ITrainableArchitecture
{
    private const string ThresholdName = "topk_threshold";

    /// <inheritdoc/>
    public virtual string Name => "batchtopk";

    /// <summary>Weight of the <see cref="DeadLatentLoss"/>.</summary>
    public double DeadLatentWeight { get; init; } = 1;

    /// <summary>How far the threshold moves to the smallest kept activation of a step.</summary>
    public double ThresholdRate { get; init; } = 0.01;

    /// <inheritdoc/>
    public IReadOnlyList<Parameter> Parameters { get; } = [.. LinearCode.Plain, new(ThresholdName, "")];

    /// <inheritdoc/>
    public virtual IReadOnlyList<string> LossTerms { get; } = ["mse_loss", "auxiliary_reconstruction_loss"];

    /// <inheritdoc/>
    public IReadOnlyList<string> AdaptiveState { get; } = [ThresholdName];

    /// <summary>k of the first step, where it is not the same throughout.</summary>
    public double? FirstK { get; init; }

    /// <summary>Steps over which k goes from <see cref="FirstK"/> to <see cref="K"/>.</summary>
    public int KSteps { get; init; }

    /// <summary>k of a training step.</summary>
    public double KAt(long step) => FirstK is { } first ? WarmUp.Between(step, first, K, KSteps) : K;

    /// <inheritdoc/>
    double? ITrainableArchitecture.KeptAt(long step) => KAt(step);

    /// <inheritdoc/>
    public Codes Encode(DictionaryWeights weights, Tensor x)
    {
        var before = LinearCode.PreActivations(weights, x, SubtractsDecoderBias);
        var scaled = DecoderRescaling.Scale(weights, before, RescalesByDecoderNorm);
        return new Codes(before, scaled.relu() * (scaled > weights[ThresholdName]).to_type(scaled.dtype));
    }

    /// <inheritdoc/>
    public Tensor Decode(DictionaryWeights weights, Tensor activations) =>
        DecoderRescaling.Decode(weights, activations, RescalesByDecoderNorm) + weights["b_dec"];

    /// <inheritdoc/>
    public StepLosses Losses(DictionaryWeights weights, Tensor x, StepContext context)
    {
        var before = DecoderRescaling.Scale(weights, LinearCode.PreActivations(weights, x, SubtractsDecoderBias), RescalesByDecoderNorm);
        var flat = before.relu().flatten();
        var (values, indices) = flat.topk((int)(KAt(context.Step) * x.shape[0]), -1, sorted: false);
        var codes = zeros_like(flat).scatter(-1, indices, values).view_as(before);
        var directions = DecoderRescaling.Directions(weights, RescalesByDecoderNorm);
        return new StepLosses(Terms(weights, x, before, codes, directions, context), codes);
    }

    /// <inheritdoc/>
    public void EndStep(DictionaryWeights weights, Tensor codes)
    {
        var kept = codes.masked_select(codes > 0);
        var threshold = weights[ThresholdName];
        if (kept.numel() > 0) threshold.fill_(Moved(threshold.ToDouble(), kept.min().ToDouble()));
    }

    /// <summary>The threshold after a step that kept this smallest activation.</summary>
    internal double Moved(double threshold, double smallest) => (1 - ThresholdRate) * threshold + ThresholdRate * smallest;

    /// <inheritdoc/>
    public virtual void AddKeys(JsonObject configuration)
    {
        configuration["k"] = K;
        configuration["rescale_acts_by_decoder_norm"] = RescalesByDecoderNorm;
    }

    /// <inheritdoc/>
    public virtual void AddTrainingKeys(JsonObject configuration)
    {
        configuration["use_sparse_activations"] = false;
        configuration["aux_loss_coefficient"] = DeadLatentWeight;
        configuration["topk_threshold_lr"] = ThresholdRate;
    }

    /// <summary>The loss terms, once codes are chosen.</summary>
    protected virtual IReadOnlyList<Tensor> Terms(DictionaryWeights weights, Tensor x, Tensor before, Tensor codes, Tensor directions,
        StepContext context)
    {
        var error = codes.matmul(directions) + weights["b_dec"] - x;
        return [LinearCode.MeanSquares(error), Weighed(DeadLatentLoss.Of(before, directions, -error.detach(), context.Dead), x)];
    }

    /// <summary>The auxiliary loss with its weight; 0 where there is none.</summary>
    protected Tensor Weighed(Tensor? deadLatents, Tensor like) =>
        deadLatents is null ? zeros([], like.dtype) : DeadLatentWeight * deadLatents;
}
