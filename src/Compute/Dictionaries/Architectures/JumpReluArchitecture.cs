using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Architectures;

/// <summary>How a <see cref="JumpReluArchitecture"/> is kept sparse; h are pre-activations, θ thresholds.</summary>
public enum SparsityLoss
{
    /// <summary>The number of latents above their thresholds.</summary>
    Step,

    /// <summary>Σ tanh(scale · code · ‖W_dec‖).</summary>
    Tanh,

    /// <summary>2 / target · (L0 − target)² of each row.</summary>
    Quadratic,
}

/// <summary>
/// relu(h) · 1[h &gt; θ] with a learned threshold θ ≥ 0 for each latent (<c>threshold</c>, float32 always). The gradient of a threshold
/// is estimated from activations within half a bandwidth ε of it: −θ/ε of what a code costs, −1/ε of what being on costs.
/// </summary>
public sealed record JumpReluArchitecture(bool SubtractsDecoderBias) : ITrainableArchitecture
{
    private const string ThresholdName = "threshold";

    /// <inheritdoc/>
    public string Name => "jumprelu";

    /// <summary>Weight of the sparsity loss.</summary>
    public double L0 { get; init; } = 1;

    /// <summary>Steps until it has its full weight.</summary>
    public int L0WarmUpSteps { get; init; }

    public SparsityLoss SparsityLoss { get; init; } = SparsityLoss.Step;

    public double TanhScale { get; init; } = 4;

    /// <summary>Of <see cref="SparsityLoss.Quadratic"/>.</summary>
    public double? TargetL0 { get; init; }

    public double InitialThreshold { get; init; } = 0.01;

    /// <summary>ε.</summary>
    public double Bandwidth { get; init; } = 0.05;

    /// <summary>Weight of Σ relu(θ − h) · ‖W_dec‖ over dead latents; null: the loss has no such term.</summary>
    public double? PreActivationWeight { get; init; }

    /// <summary>Whether pre-activations get the negative of the thresholds' estimated gradients.</summary>
    public bool PassesToInput { get; init; }

    /// <inheritdoc/>
    public IReadOnlyList<Parameter> Parameters { get; } = [.. LinearCode.Plain, LinearCode.Threshold];

    /// <inheritdoc/>
    public IReadOnlyList<string> LossTerms =>
        PreActivationWeight is null ? ["mse_loss", "l0_loss"] : ["mse_loss", "l0_loss", "pre_act_loss"];

    /// <inheritdoc/>
    public IReadOnlyList<string> SingleParameters { get; } = [ThresholdName];

    /// <inheritdoc/>
    public double Coefficient(long step) => WarmUp.At(step, L0, L0WarmUpSteps);

    /// <inheritdoc/>
    public double InitialValue(string parameter) => parameter == ThresholdName ? InitialThreshold : 0;

    /// <inheritdoc/>
    public Codes Encode(DictionaryWeights weights, Tensor x)
    {
        var before = LinearCode.PreActivations(weights, x, SubtractsDecoderBias);
        return new Codes(before, before.relu() * (before > weights[ThresholdName]).to_type(before.dtype));
    }

    /// <inheritdoc/>
    public Tensor Decode(DictionaryWeights weights, Tensor activations) => LinearCode.Decode(weights, activations);

    /// <inheritdoc/>
    public void BeginStep(DictionaryWeights weights) => weights[ThresholdName].clamp_(0);

    /// <inheritdoc/>
    public StepLosses Losses(DictionaryWeights weights, Tensor x, StepContext context)
    {
        var before = LinearCode.PreActivations(weights, x, SubtractsDecoderBias);
        var threshold = weights[ThresholdName].to_type(x.dtype);
        var fixedThreshold = threshold.detach();
        var distance = before.detach() - fixedThreshold;
        var on = (distance > 0).to_type(x.dtype);
        var near = (distance / Bandwidth).abs().lt(0.5).to_type(x.dtype);
        // Of value 0 and derivative 1 in the threshold: what carries the estimated gradients.
        var carrier = threshold - fixedThreshold;
        if (PassesToInput) carrier = carrier - (before - before.detach());
        // θ/ε in θ's own float32, as SAELens takes it, whatever the type of the rest.
        var slope = (weights[ThresholdName].detach() / Bandwidth).to_type(x.dtype);
        var codes = before * on - slope * near * carrier;
        var norms = weights.DecoderNorms();
        var sparsity = SparsityLoss switch
        {
            SparsityLoss.Tanh => (TanhScale * codes * norms).tanh().sum(-1).mean(),
            SparsityLoss.Step => Count().mean(),
            _ => (Count() - TargetL0!.Value).square().mean() * (2 / TargetL0.Value),
        };
        var terms = new List<Tensor> { LinearCode.MeanSquares(Decode(weights, codes) - x), context.Coefficient * sparsity };
        if (PreActivationWeight is { } weight)
            terms.Add(context.Dead is null ? zeros([], x.dtype)
                : weight * ((threshold - before).relu() * norms).index_select(1, context.Dead).sum(-1).mean());
        return new StepLosses(terms, codes);

        Tensor Count() => (on - near * carrier / Bandwidth).sum(-1);
    }

    /// <inheritdoc/>
    public void AddTrainingKeys(JsonObject configuration)
    {
        configuration["jumprelu_init_threshold"] = InitialThreshold;
        configuration["jumprelu_bandwidth"] = Bandwidth;
        configuration["jumprelu_sparsity_loss_mode"] = SparsityLoss.ToString().ToLowerInvariant();
        configuration["l0_coefficient"] = L0;
        configuration["l0_warm_up_steps"] = L0WarmUpSteps;
        configuration["pre_act_loss_coefficient"] = PreActivationWeight;
        configuration["jumprelu_tanh_scale"] = TanhScale;
        configuration["jumprelu_ste_to_input"] = PassesToInput;
        configuration["target_l0"] = TargetL0;
    }
}
