namespace InterpActors.Compute.Dictionaries.Evaluation;

/// <summary>SAEBench's core metrics from their sums, by its groups and names.</summary>
internal static class CoreMetrics
{
    private const string Behaviour = "model_behavior_preservation";
    private const string Performance = "model_performance_preservation";
    private const string Quality = "reconstruction_quality";
    private const string Shrinkage = "shrinkage";
    private const string Sparsity = "sparsity";

    /// <summary>The group of what was counted.</summary>
    public const string Tokens = "token_stats";

    private const string Latents = "misc_metrics";

    /// <param name="special">Whether the error on special tokens is asked for.</param>
    public static IEnumerable<MetricValue> Of(CoreSums sums, bool special)
    {
        var (kept, next) = ((long)sums["kept"], (long)sums["next"]);
        double Mean(string name) => sums[name] / kept;
        double Next(string name) => sums[name] / next;
        MetricValue Value(string group, string metric, double value, long n) => new(group, metric, double.IsNaN(value) ? null : value, n);

        var (zeroed, spliced) = (Mean("kl zeroed"), Mean("kl spliced"));
        yield return Value(Behaviour, "kl_div_score", (zeroed - spliced) / zeroed, kept);
        yield return Value(Behaviour, "kl_div_with_ablation", zeroed, kept);
        yield return Value(Behaviour, "kl_div_with_sae", spliced, kept);
        var (clean, with, without) = (Next("ce clean"), Next("ce spliced"), Next("ce zeroed"));
        yield return Value(Performance, "ce_loss_score", (without - with) / (without - clean), next);
        yield return Value(Performance, "ce_loss_with_ablation", without, next);
        yield return Value(Performance, "ce_loss_with_sae", with, next);
        yield return Value(Performance, "ce_loss_without_sae", clean, next);
        var mean = sums.Sum.Sum(s => s * s) / kept;
        yield return Value(Quality, "explained_variance", 1 - sums["errors"] / (sums["squares"] - mean), kept);
        yield return Value(Quality, "explained_variance_legacy", Mean("explained"), kept);
        yield return Value(Quality, "mse", Mean("errors"), kept);
        if (special)
        {
            yield return Value(Quality, "mse_special", sums["special errors"] / sums["special"], (long)sums["special"]);
            yield return Value(Quality, "mse_text", (sums["errors"] - sums["special errors"]) / (kept - sums["special"]),
                kept - (long)sums["special"]);
        }
        yield return Value(Quality, "cossim", Mean("cosines"), kept);
        yield return Value(Shrinkage, "l2_norm_in", Mean("in"), kept);
        yield return Value(Shrinkage, "l2_norm_out", Mean("out"), kept);
        yield return Value(Shrinkage, "l2_ratio", Mean("ratios"), kept);
        yield return Value(Shrinkage, "relative_reconstruction_bias", sums["biases"] / sums["batches"], kept);
        yield return Value(Shrinkage, "relative_reconstruction_bias_all_tokens", sums["restored"] / sums["products"], kept);
        yield return Value(Sparsity, "l0", Mean("l0"), kept);
        yield return Value(Sparsity, "l1", Mean("l1"), kept);
        yield return Value(Tokens, "total_tokens_eval_reconstruction", sums["tokens"], (long)sums["tokens"]);
        yield return Value(Tokens, "total_tokens_eval_sparsity_variance", sums["tokens"], (long)sums["tokens"]);
    }

    /// <summary>What the latents' densities and directions tell together.</summary>
    public static IEnumerable<MetricValue> OfLatents(CoreSums sums, LatentGeometry geometry)
    {
        var densities = Densities(sums);
        var n = densities.Length;
        double Share(double above) => densities.Count(d => d > above) / (double)n;
        double Weight(double above) => densities.Where(d => d > above).Sum() / densities.Sum();
        MetricValue Value(string metric, double? value) => new(Latents, metric, value is { } v && double.IsNaN(v) ? null : value, n);
        yield return Value("average_max_encoder_cosine_sim", geometry.NearestEncoder?.Average());
        yield return Value("average_max_decoder_cosine_sim", geometry.NearestDecoder.Average());
        yield return Value("frac_alive", Share(0));
        yield return Value("freq_over_1_percent", Share(0.01));
        yield return Value("freq_over_10_percent", Share(0.1));
        yield return Value("normalized_freq_over_1_percent", Weight(0.01));
        yield return Value("normalized_freq_over_10_percent", Weight(0.1));
    }

    /// <summary>Share of kept tokens on which each latent fires. [d_sae]</summary>
    public static double[] Densities(CoreSums sums) => [.. sums.Fired.Select(f => f / sums["kept"])];

    /// <summary>Tokens per sequence on which a latent fires, among the sequences in which it does; NaN for one that never fires.</summary>
    public static double[] Consistency(CoreSums sums) => [.. sums.Fired.Select((f, i) => f / sums.FiredSequences[i])];

    /// <summary>How many latents have a log10(density + 1e-10) in each bin from −10 to 0; the last bin holds 0.</summary>
    public static int[] Histogram(double[] densities, int bins)
    {
        var counts = new int[bins];
        foreach (var density in densities)
        {
            var at = (Math.Log10(density + 1e-10) + 10) / 10 * bins;
            counts[Math.Clamp((int)Math.Floor(at), 0, bins - 1)]++;
        }
        return counts;
    }
}
