using System.Globalization;
using InterpActors.Compute.Statistics;
using InterpActors.Compute.Studies;

namespace InterpActors.Compute.Sweeps;

/// <summary>
/// How a sweep's numbers become a row: the run that is intervened on (effect = patched − that run) and what the effect is divided by.
/// Scores are ratios of means, not means of ratios.
/// </summary>
/// <param name="Direction">The direction column; null for an empty one.</param>
/// <param name="Value">The value column where no latent is set to a dose.</param>
/// <param name="BaseIsCorrupted">True where the corrupted run is intervened on, else the clean one.</param>
/// <param name="ToOtherRun">True: divide by the other run minus the base (patching). False: by the clean run (ablation).</param>
/// <param name="NeedsDenominator">True where a denominator of exactly 0 makes the whole study pointless.</param>
public sealed record SweepScoring(string? Direction, string Value, bool BaseIsCorrupted, bool ToOtherRun, bool NeedsDenominator)
{
    /// <summary>The value column of one cell: the dose that a latent is set to, or else what is written everywhere.</summary>
    public string ValueOf(SweepCell cell) => cell.Sites[0].Latent?.Dose is { } dose
        ? dose.ToString("R", CultureInfo.InvariantCulture) : Value;

    /// <summary>The run that is intervened on.</summary>
    public double[] Base(double[] clean, double[]? corrupted) => BaseIsCorrupted ? corrupted! : clean;

    /// <summary>What the mean effect is divided by the mean of, per prompt.</summary>
    public double[] Denominators(double[] clean, double[]? corrupted) =>
        !ToOtherRun ? clean
        : BaseIsCorrupted ? [.. clean.Zip(corrupted!, (a, b) => a - b)]
        : [.. corrupted!.Zip(clean, (a, b) => a - b)];

    /// <summary>The size of the values that the denominators were formed from.</summary>
    public IEnumerable<double> Scales(double[] clean, double[]? corrupted) =>
        ToOtherRun ? clean.Zip(corrupted!, (a, b) => Math.Abs(a) + Math.Abs(b)) : clean.Select(Math.Abs);

    /// <summary>The denominator in words.</summary>
    public string DenominatorName => ToOtherRun ? "the mean difference between clean and corrupted run" : "the mean of the clean run";

    /// <summary>Why scores must not be formed; null where they may.</summary>
    /// <param name="exact">Only refuse what is 0 up to rounding, whatever the spread over prompts.</param>
    public string? Refusal(IReadOnlyList<double> denominators, double scale, StudyModel model, bool exact = false)
    {
        double[] values = exact ? [MeanEstimate.MeanOf([.. denominators])] : [.. denominators];
        return Denominator.Refusal(values, scale, model.Dtype == "fp32", DenominatorName);
    }

    /// <summary>Score (or, where none can be formed, effect) of one cell on one shard, for people watching.</summary>
    internal double Preview(PromptShard shard, double[] patched)
    {
        var effect = MeanEstimate.MeanOf(patched) - MeanEstimate.MeanOf(Base(shard.CleanMetric, shard.CorruptedMetric));
        var denominator = MeanEstimate.MeanOf(Denominators(shard.CleanMetric, shard.CorruptedMetric));
        return ToOtherRun && denominator != 0 ? effect / denominator : effect;
    }
}
