using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Evaluation;

/// <summary>
/// Sums over rows of planted data that the ground-truth metrics are made of; rows may be added in any number of batches.
/// Source of the definitions: SAELens' synthetic evaluation.
/// </summary>
internal sealed class PlantedScore(int[] bestFeatures, int width)
{
    // Rows of (nearly) no length have no ratio of lengths.
    private const double Shortest = 1e-6;

    private readonly long[] _truePositives = new long[bestFeatures.Length];
    private readonly long[] _falsePositives = new long[bestFeatures.Length];
    private readonly long[] _falseNegatives = new long[bestFeatures.Length];
    private readonly double[] _sum = new double[width];
    private double _squares;
    private double _errors;
    private double _ratios;
    private long _ratioRows;
    private long _active;
    private long _truth;

    public long Rows { get; private set; }

    /// <param name="codes">[rows, latents]</param>
    /// <param name="reconstruction">[rows, d]</param>
    /// <param name="x">[rows, d]</param>
    /// <param name="truth">[rows, features]: what each planted feature contributes; 0 where it is off.</param>
    public void Add(Tensor codes, Tensor reconstruction, Tensor x, Tensor truth)
    {
        using var scope = NewDisposeScope();
        var (from, to) = (x.to(ScalarType.Float64), reconstruction.to(ScalarType.Float64));
        var fires = codes > 0;
        var on = truth > 0;
        var best = on.index_select(1, tensor(bestFeatures.Select(f => (long)f).ToArray()));
        Count(fires.logical_and(best), _truePositives);
        Count(fires.logical_and(best.logical_not()), _falsePositives);
        Count(fires.logical_not().logical_and(best), _falseNegatives);
        _active += fires.sum().item<long>();
        _truth += on.sum().item<long>();
        var sums = from.sum(dim: 0).data<double>();
        for (var i = 0; i < width; i++) _sum[i] += sums[i];
        _squares += from.square().sum().item<double>();
        _errors += (from - to).square().sum().item<double>();
        var (before, after) = (from.norm(1).data<double>().ToArray(), to.norm(1).data<double>().ToArray());
        for (var i = 0; i < before.Length; i++)
        {
            if (before[i] <= Shortest) continue;
            _ratios += after[i] / before[i];
            _ratioRows++;
        }
        Rows += before.Length;
    }

    /// <summary>1 − Σ|x − x̂|² / Σ|x − mean x|².</summary>
    public double ExplainedVariance => 1 - _errors / (_squares - _sum.Sum(s => s * s) / Rows);

    /// <summary>Mean |x̂| / |x| over rows that are not empty.</summary>
    public double Shrinkage => _ratios / _ratioRows;

    /// <summary>Rows in which a latent and its best feature are on, only the latent is, only the feature is.</summary>
    public (long Both, long LatentOnly, long FeatureOnly) Counts(int latent) =>
        (_truePositives[latent], _falsePositives[latent], _falseNegatives[latent]);

    /// <summary>Rows left out of <see cref="Shrinkage"/>.</summary>
    public long ZeroRows => Rows - _ratioRows;

    /// <summary>Mean number of codes above 0.</summary>
    public double L0 => _active / (double)Rows;

    /// <summary>Mean number of planted features that are on.</summary>
    public double TrueL0 => _truth / (double)Rows;

    /// <summary>Latents that fired in no row.</summary>
    public int Dead => Enumerable.Range(0, bestFeatures.Length).Count(i => _truePositives[i] + _falsePositives[i] == 0);

    /// <summary>Of the rows in which a latent fires, those in which its best feature is on; mean over latents, 0 where undefined.</summary>
    public double Precision => Mean((tp, fp, _) => tp / (double)(tp + fp));

    /// <summary>Of the rows in which its best feature is on, those in which a latent fires; mean over latents, 0 where undefined.</summary>
    public double Recall => Mean((tp, _, fn) => tp / (double)(tp + fn));

    /// <summary>Harmonic mean of a latent's precision and recall; mean over latents, 0 where undefined.</summary>
    public double F1 => Mean((tp, fp, fn) => 2 * tp / (double)(2 * tp + fp + fn));

    /// <summary>Rows in which latent and best feature agree; mean over latents.</summary>
    public double Accuracy => Mean((_, fp, fn) => (Rows - fp - fn) / (double)Rows);

    private double Mean(Func<long, long, long, double> of) => Enumerable.Range(0, bestFeatures.Length)
        .Average(i => of(_truePositives[i], _falsePositives[i], _falseNegatives[i]) is var v && double.IsNaN(v) ? 0 : v);

    private static void Count(Tensor marks, long[] into)
    {
        using var counts = marks.to(ScalarType.Int64).sum(dim: 0);
        var values = counts.data<long>();
        for (var i = 0; i < into.Length; i++) into[i] += values[i];
    }
}
