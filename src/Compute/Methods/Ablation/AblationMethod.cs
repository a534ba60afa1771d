using InterpActors.Compute.Interventions;
using InterpActors.Compute.Metrics;
using InterpActors.Compute.Reports;
using InterpActors.Compute.Statistics;
using InterpActors.Compute.Studies;
using InterpActors.Compute.Sweeps;
using InterpActors.Compute.Sweeps.Latents;
using InterpActors.Compute.Tasks;
using InterpActors.Messages.Work;
using static TorchSharp.torch;

namespace InterpActors.Compute.Methods.Ablation;

/// <summary>One ablation study with its keys read. The base is always the clean run.</summary>
public sealed class AblationMethod(StudyContext study, SweepGrid grid, AblationValue value) : SweepMethod(study, grid)
{
    private readonly IReadOnlyList<Site> _sites = [.. grid.Blocks.SelectMany(b => b.Sites).Distinct()];

    protected override EngineKind Engine => EngineKind.Ablation;

    protected override string Spoken => $"{value.Kind} ablation";

    // KL of the clean run with itself is 0 by definition: its ablations have effects, but no scores.
    public override SweepScoring Scoring { get; } =
        new(null, value.Kind, BaseIsCorrupted: false, ToOtherRun: false,
            NeedsDenominator: study.Metric.Kind != MetricWords.KullbackLeibler);

    protected override IReadOnlyCollection<Component> Reads => [.. _sites.Select(s => s.Component).Distinct()];

    public override MethodView View { get; } = new(
        "Ablation",
        $"Each prompt runs clean; at one place at a time the activation is overwritten by {Words(value)}. "
            + "A large effect means that the clean behaviour needs what the place carries.",
        "effect = ablated − clean; score = effect / clean, means over prompts",
        "Wang et al. 2022, arXiv:2211.00593; Michel et al. 2019, arXiv:1905.10650; Chan et al. 2022, causal scrubbing");

    /// <inheritdoc/>
    protected override Edit MakeEdit(StudySession session, PromptShard shard, Site site, int prompt, int[] positions) =>
        site.Latent is { } latent
            ? new(site with { Latent = null }, positions, LatentValues(session, shard, latent, prompt, positions))
            : new(site, positions, Values(session, shard, site, prompt, positions));

    /// <summary>Where the prompt's own corrupted run is written, nothing changes before the first token that differs.</summary>
    public override bool MayChange(SweepCell cell, PromptPair prompt)
    {
        if (value.Kind != AblationValues.Resample) return true;
        var places = cell.Place.Positions(prompt);
        for (var i = 0; i <= places[^1]; i++)
            if (prompt.Clean[i] != prompt.Corrupted![i]) return true;
        return false;
    }

    /// <inheritdoc/>
    public override string Sentence(FoldedCell cell, string where)
    {
        var metric = MetricWords.Spoken(MetricName);
        var change = cell.Row.Score is { } score
            ? FormattableString.Invariant($"changes the {metric} by {cell.Row.Effect:+0.###;-0.###} ({score * 100:+0;-0} %)")
            : FormattableString.Invariant($"changes the {metric} by {cell.Row.Effect:+0.###;-0.###}");
        return $"Ablating {where} ({value.Kind}) {change}";
    }

    private Tensor LatentValues(StudySession session, PromptShard shard, LatentSite latent, int prompt, int[] positions)
    {
        var codes = LatentCodes.Of(session, shard, Grid.Source!);
        var type = session.Context.Model.Type;
        var code = value.Kind switch
        {
            AblationValues.Zero => zeros([1, 1], type),
            AblationValues.Set => full([1, 1], latent.Dose!.Value, type),
            AblationValues.Resample => codes.At(latent.Index, prompt, corrupted: true, positions),
            _ => full([1, 1], MeanCodes(session)[latent.Index], type),
        };
        return codes.Write(shard, latent.Index, prompt, corrupted: false, positions, code);
    }

    /// <summary>The mean code of each latent over all prompts and positions of the reference run, in double precision.</summary>
    private IReadOnlyDictionary<int, double> MeanCodes(StudySession session) => session.Derived("mean codes", () =>
    {
        var totals = Grid.Source!.Latents.ToDictionary(l => l, _ => (Sum: 0.0, Count: 0L));
        ForEachShard(session, shard =>
        {
            var codes = LatentCodes.Of(session, shard, Grid.Source!);
            foreach (var latent in Grid.Source!.Latents)
            {
                var (sum, count) = codes.Total(latent, value.FromCorrupted);
                totals[latent] = (totals[latent].Sum + sum, totals[latent].Count + count);
            }
        });
        return totals.ToDictionary(t => t.Key, t => t.Value.Sum / t.Value.Count);
    });

    private Tensor Values(StudySession session, PromptShard shard, Site site, int prompt, int[] positions)
    {
        var config = session.Context.Model.Config;
        var type = session.Context.Model.Type;
        switch (value.Kind)
        {
            case AblationValues.Zero:
                var width = site.Component == Component.Pattern ? shard.Prompts[prompt].Clean.Length : SiteValues.Width(config, site);
                return zeros([1, 1], type).expand(positions.Length, width);
            case AblationValues.Resample:
                return SiteValues.Of(shard.Corrupted!, config, site, prompt, positions);
            case AblationValues.Noise:
                var own = SiteValues.Of(shard.Clean, config, site, prompt, positions);
                return own + Noise(site, shard.First + prompt, positions, own.shape[1], References(session).Spread(site)).to(type);
            default:
                var mean = References(session).Mean(value, site, shard.Prompts[prompt].Group, shard.Prompts[prompt].Clean.Length);
                if (site.Component == Component.Pattern) return SiteValues.Rows(mean[site.Head!.Value], positions);
                mean = SiteValues.Head(mean, config, site);
                return value.Kind == AblationValues.Mean ? mean.expand(positions.Length, -1) : SiteValues.Rows(mean, positions);
        }
    }

    /// <summary>
    /// Gaussian noise [positions, width] that depends on the study's seed, the site, the prompt and the position alone: a cell for one
    /// position and a cell for all of them write the same there.
    /// </summary>
    private Tensor Noise(Site site, int prompt, int[] positions, long width, double spread)
    {
        var values = new double[positions.Length * width];
        for (var p = 0; p < positions.Length; p++)
        {
            var random = new SeededRandom(Study.Seed, site.Layer, (int)site.Component, site.Head ?? -1, prompt, positions[p]);
            for (long d = 0; d < width; d++) values[p * width + d] = value.Sigma * spread * random.NextNormal();
        }
        return tensor(values, positions.Length, width);
    }

    private ReferenceActivations References(StudySession session) =>
        session.Derived(typeof(ReferenceActivations), () =>
            ReferenceActivations.Of(value, [.. _sites.Where(s => s.Latent is null)], Study, visit => ForEachShard(session, visit)));

    private static string Words(AblationValue value)
    {
        var run = value.File is { } file ? Path.GetFileName(file) : value.FromCorrupted ? "the corrupted runs" : "the clean runs";
        return value.Kind switch
        {
            AblationValues.Zero => "zeros",
            AblationValues.Set => "the latent at a dose",
            AblationValues.Mean => $"its mean over all prompts and positions of {run}",
            AblationValues.MeanByPosition => $"its mean over the prompts at that position, from {run}",
            AblationValues.MeanByGroup => $"its mean over the prompts of the same group at that position, from {run}",
            AblationValues.Resample => "what the prompt's own corrupted run has there",
            _ => FormattableString.Invariant($"itself plus Gaussian noise of {value.Sigma} times ")
                + $"the standard deviation of its entries over {run}",
        };
    }
}
