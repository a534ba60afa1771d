using InterpActors.Compute.Interventions;
using InterpActors.Compute.Studies;
using InterpActors.Compute.Sweeps;
using InterpActors.Compute.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Methods.Ablation;

/// <summary>
/// What an ablation's values are made of: means of the reference run's activations (in fp64, prompts in file order, rounded to the
/// model's dtype once), or the spread of its entries. One per session. Thread-safe once made.
/// </summary>
internal sealed class ReferenceActivations : IDisposable
{
    // Key: a site without a head and, for means by group, the prompt's group and length.
    private readonly Dictionary<(Site, string? Group, int Length), Tensor> _means = [];
    private readonly Dictionary<Site, double> _spreads = [];

    private ReferenceActivations() { }

    /// <summary>
    /// The mean at a whole hook point: [width] for <c>mean</c>, [pos, width] by position or group; patterns [heads, query, key].
    /// </summary>
    public Tensor Mean(AblationValue value, Site site, string? group, int length) =>
        _means[Key(value.Kind, site with { Head = null }, group, length)];

    /// <summary>
    /// Population standard deviation of all entries of a site's reference activation, over prompts, positions and dimensions.
    /// </summary>
    public double Spread(Site site) => _spreads[site];

    /// <param name="shards">Visits every shard of the prompts in file order.</param>
    public static ReferenceActivations Of(AblationValue value, IReadOnlyList<Site> sites, StudyContext study,
        Action<Action<PromptShard>> shards)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var made = new ReferenceActivations();
        if (value.File is not null) made.ReadFile(value, sites, study);
        else if (value.Kind == AblationValues.Noise) made.Measure(value, sites, study, shards);
        else made.Average(value, sites, study, shards);
        return made;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in _means.Values) tensor.Dispose();
    }

    private static (Site, string?, int) Key(string kind, Site whole, string? group, int length) =>
        kind == AblationValues.MeanByGroup ? (whole, group, length) : (whole, null, 0);

    private void Average(AblationValue value, IReadOnlyList<Site> sites, StudyContext study, Action<Action<PromptShard>> shards)
    {
        var longest = study.Task.Prompts.Max(p => p.Clean.Length);
        var wholes = sites.Select(s => s with { Head = null }).Distinct().ToArray();
        var sums = new Dictionary<(Site, string?, int), (Tensor Sum, Tensor Count)>();
        shards(shard =>
        {
            for (var p = 0; p < shard.Prompts.Count; p++)
                foreach (var site in wholes)
                {
                    using var inner = NewDisposeScope();
                    var run = value.FromCorrupted ? shard.Corrupted! : shard.Clean;
                    var activation = run.Activation(site.Component, site.Layer, p).to(ScalarType.Float64);
                    var prompt = shard.Prompts[p];
                    var length = prompt.Clean.Length;
                    var key = Key(value.Kind, site, prompt.Group, length);
                    if (value.Kind == AblationValues.Mean) activation = activation.sum(dim: 0);
                    if (!sums.TryGetValue(key, out var total))
                    {
                        // Positions beyond a prompt's end stay without a count; the longest prompt covers them all.
                        var shape = activation.shape;
                        if (value.Kind == AblationValues.MeanByPosition && site.Component != Component.Pattern) shape[0] = longest;
                        var counts = value.Kind == AblationValues.Mean ? [1] : site.Component == Component.Pattern ? new long[] { 1, 1, 1 }
                            : [shape[0], 1];
                        total = (zeros(shape, ScalarType.Float64), zeros(counts, ScalarType.Float64));
                        total.Sum.MoveToOuterDisposeScope();
                        total.Count.MoveToOuterDisposeScope();
                        sums[key] = total;
                    }
                    if (value.Kind == AblationValues.Mean)
                    {
                        total.Sum.add_(activation);
                        total.Count.add_(length);
                    }
                    else if (site.Component == Component.Pattern)
                    {
                        total.Sum.add_(activation);
                        total.Count.add_(1);
                    }
                    else
                    {
                        total.Sum.narrow(0, 0, length).add_(activation);
                        total.Count.narrow(0, 0, length).add_(1);
                    }
                }
        });
        foreach (var (key, (sum, count)) in sums) _means[key] = (sum / count).to(study.Model.Type).DetachFromDisposeScope();
    }

    private void Measure(AblationValue value, IReadOnlyList<Site> sites, StudyContext study, Action<Action<PromptShard>> shards)
    {
        var distinct = sites.Distinct().ToArray();
        var totals = new (double Count, double Sum, double Squares)[distinct.Length];
        shards(shard =>
        {
            for (var p = 0; p < shard.Prompts.Count; p++)
                for (var s = 0; s < distinct.Length; s++)
                {
                    using var inner = NewDisposeScope();
                    var run = value.FromCorrupted ? shard.Corrupted! : shard.Clean;
                    var whole = run.Activation(distinct[s].Component, distinct[s].Layer, p);
                    var own = SiteValues.Head(whole, study.Model.Config, distinct[s]).to(ScalarType.Float64);
                    totals[s] = (totals[s].Count + own.numel(), totals[s].Sum + own.sum().ToDouble(),
                        totals[s].Squares + own.square().sum().ToDouble());
                }
        });
        for (var s = 0; s < distinct.Length; s++)
        {
            var mean = totals[s].Sum / totals[s].Count;
            _spreads[distinct[s]] = Math.Sqrt(Math.Max(0, totals[s].Squares / totals[s].Count - mean * mean));
        }
    }

    private void ReadFile(AblationValue value, IReadOnlyList<Site> sites, StudyContext study)
    {
        using var file = SafetensorsFile.Open(value.File!);
        foreach (var site in sites.Select(s => s with { Head = null }).Distinct())
        {
            var width = SiteValues.Width(study.Model.Config, site);
            var tensor = file.Read(site.HookName, study.Model.Type);
            _means[(site, null, 0)] = (value.Kind == AblationValues.Mean ? tensor.reshape(width) : tensor.reshape(-1, width))
                .DetachFromDisposeScope();
        }
    }
}
