using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Architectures;

/// <summary>
/// BatchTopK trained so that each prefix of the latents reconstructs on its own: early latents stay general. The loss is the full
/// reconstruction's plus that of each inner prefix; all share b_dec.
/// </summary>
/// <param name="Widths">Rising prefixes; the last is d_sae.</param>
public sealed record MatryoshkaArchitecture(bool SubtractsDecoderBias, double K, bool RescalesByDecoderNorm, IReadOnlyList<int> Widths)
    : BatchTopKArchitecture(SubtractsDecoderBias, K, RescalesByDecoderNorm)
{
    /// <inheritdoc/>
    public override string Name => "matryoshka_batchtopk";

    /// <summary>Whether the dead latents of each level learn from the residual of the prefix up to it, not all from the whole's.</summary>
    public bool DeadLatentsByLevel { get; init; }

    /// <inheritdoc/>
    public override IReadOnlyList<string> LossTerms { get; } =
        ["mse_loss", "auxiliary_reconstruction_loss", .. Widths.SkipLast(1).Select(w => $"inner_mse_loss_{w}")];

    /// <inheritdoc/>
    public override void AddKeys(JsonObject configuration)
    {
        base.AddKeys(configuration);
        configuration["matryoshka_widths"] = new JsonArray([.. Widths.Select(w => (JsonNode)w)]);
    }

    /// <inheritdoc/>
    public override void AddTrainingKeys(JsonObject configuration)
    {
        base.AddTrainingKeys(configuration);
        configuration["use_matryoshka_aux_loss"] = DeadLatentsByLevel;
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor> Terms(DictionaryWeights weights, Tensor x, Tensor before, Tensor codes, Tensor directions,
        StepContext context)
    {
        var errors = Widths.Select(w =>
            codes.narrow(1, 0, w).matmul(directions.narrow(0, 0, w)) + weights["b_dec"] - x).ToList();
        Tensor? dead = null;
        if (!DeadLatentsByLevel) dead = DeadLatentLoss.Of(before, directions, -errors[^1].detach(), context.Dead);
        else
            for (var level = 0; level < Widths.Count; level++)
                if (DeadLatentLoss.Of(before, directions, -errors[level].detach(), DeadOfLevel(level, context.Dead)) is { } term)
                    dead = dead is null ? term : dead + term;
        return [LinearCode.MeanSquares(errors[^1]), Weighed(dead, x), .. errors.SkipLast(1).Select(LinearCode.MeanSquares)];
    }

    private Tensor? DeadOfLevel(int level, Tensor? dead)
    {
        var first = level == 0 ? 0 : Widths[level - 1];
        return dead?.masked_select(dead.ge(first).logical_and(dead.lt(Widths[level])));
    }
}
