using InterpActors.Compute.Interventions;
using InterpActors.Compute.Metrics;
using InterpActors.Compute.Reports;
using InterpActors.Compute.Studies;
using InterpActors.Compute.Sweeps;
using InterpActors.Compute.Sweeps.Latents;
using InterpActors.Compute.Tasks;
using InterpActors.Messages.Work;

namespace InterpActors.Compute.Methods.ActivationPatching;

/// <summary>One patching study with its keys read.</summary>
/// <param name="denoising">True: clean values into the corrupted run. False: the reverse.</param>
public sealed class ActivationPatchingMethod(StudyContext study, SweepGrid grid, bool denoising) : SweepMethod(study, grid)
{
    private readonly IReadOnlyCollection<Component> _reads = [.. grid.Blocks.Select(b => b.Component!.Value).Distinct()];

    protected override EngineKind Engine => EngineKind.Patching;

    protected override string Spoken => denoising ? "denoising" : "noising";

    public override SweepScoring Scoring { get; } =
        new(denoising ? "denoising" : "noising", denoising ? "clean" : "corrupted", BaseIsCorrupted: denoising, ToOtherRun: true,
            NeedsDenominator: true);

    protected override IReadOnlyCollection<Component> Reads => _reads;

    public override MethodView View { get; } = new(
        "Activation patching",
        denoising
            ? "Each prompt runs corrupted; at one place at a time the activation of its clean twin is written in. "
                + "A high score means that the place carries enough of what tells the two prompts apart to bring the clean behaviour back."
            : "Each prompt runs clean; at one place at a time the activation of its corrupted twin is written in. "
                + "A high score means that the clean behaviour needs what the place carries.",
        denoising ? "score = (patched − corrupted) / (clean − corrupted), means over prompts"
            : "score = (patched − clean) / (corrupted − clean), means over prompts",
        "Vig et al. 2020, arXiv:2004.12265; Meng et al. 2022, arXiv:2202.05262; Heimersheim and Nanda 2024, arXiv:2404.15255");

    /// <inheritdoc/>
    protected override Edit MakeEdit(StudySession session, PromptShard shard, Site site, int prompt, int[] positions)
    {
        if (site.Latent is { Index: var latent })
        {
            var codes = LatentCodes.Of(session, shard, Grid.Source!);
            return new Edit(site with { Latent = null }, positions,
                codes.Write(shard, latent, prompt, corrupted: denoising, positions,
                    codes.At(latent, prompt, corrupted: !denoising, positions)));
        }
        var source = denoising ? shard.Clean : shard.Corrupted!;
        return new Edit(site, positions, SiteValues.Of(source, session.Context.Model.Config, site, prompt, positions));
    }

    /// <summary>
    /// An activation depends on the tokens up to its position alone, at the first layer's input (and q, k, v) on that token alone.
    /// </summary>
    public override bool MayChange(SweepCell cell, PromptPair prompt)
    {
        var site = cell.Sites[0];
        var local = site.Layer == 0 && site.Component is Component.ResidPre or Component.Q or Component.K or Component.V;
        var firstDifference = Enumerable.Range(0, prompt.Clean.Length)
            .FirstOrDefault(i => prompt.Clean[i] != prompt.Corrupted![i], int.MaxValue);
        foreach (var position in cell.Place.Positions(prompt))
        {
            if (local ? prompt.Clean[position] != prompt.Corrupted![position] : position >= firstDifference)
                // Position 0 sees itself alone: its pattern is 1 whatever the token.
                if (site.Component != Component.Pattern || position > 0) return true;
        }
        return false;
    }

    /// <summary>The residual stream holds the token itself, so where tokens differ it differs.</summary>
    protected override bool MustChange(SweepCell cell, PromptPair prompt) =>
        cell.Sites[0].Latent is null && cell.Sites[0].Component is Component.ResidPre or Component.ResidMid or Component.ResidPost
        && cell.Place.Positions(prompt).Any(p => prompt.Clean[p] != prompt.Corrupted![p]);

    /// <inheritdoc/>
    public override string Sentence(FoldedCell cell, string where)
    {
        var metric = MetricWords.Spoken(MetricName);
        var share = cell.Row.Score is { } score ? FormattableString.Invariant($"{score * 100:0} % of the {metric}")
            : FormattableString.Invariant($"{cell.Row.Effect:+0.###;-0.###} of {metric}");
        return denoising ? $"Restoring {where} recovers {share}" : $"Corrupting {where} takes away {share}";
    }
}
