using InterpActors.Compute.Statistics;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Evaluation;

/// <summary>
/// How the decoder rows of a dictionary lie to another set of directions: planted features, or the dictionary of another seed.
/// Sources: MCC and uniqueness as SAELens' synthetic evaluation; MMCS from Sharkey et al. 2022; pairwise MCC from arXiv:2505.20254.
/// </summary>
internal sealed class FeatureMatch
{
    private readonly double[,] _cosines;

    private FeatureMatch(double[,] cosines) => _cosines = cosines;

    /// <param name="decoder">[latents, d]</param>
    /// <param name="directions">[features, d]</param>
    public static FeatureMatch Of(Tensor decoder, Tensor directions)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var product = Unit(decoder).matmul(Unit(directions).t()).contiguous();
        var flat = product.data<double>();
        var cosines = new double[product.shape[0], product.shape[1]];
        for (var i = 0; i < cosines.GetLength(0); i++)
            for (var j = 0; j < cosines.GetLength(1); j++) cosines[i, j] = flat[(long)i * cosines.GetLength(1) + j];
        return new FeatureMatch(cosines);
    }

    public int Latents => _cosines.GetLength(0);

    public int Features => _cosines.GetLength(1);

    /// <summary>Cosine of a latent's decoder row with a feature.</summary>
    public double Cosine(int latent, int feature) => _cosines[latent, feature];

    /// <summary>The matching of min(latents, features) pairs with the largest sum of |cosine|, in the order of latents.</summary>
    public IReadOnlyList<(int Latent, int Feature)> Matching => field ??= Match();

    /// <summary>Mean correlation coefficient: the mean |cosine| over the matched pairs.</summary>
    public double Mcc => Matching.Average(p => Math.Abs(_cosines[p.Latent, p.Feature]));

    /// <summary>Mean over latents of the largest cosine with a feature: falls where latents are no feature.</summary>
    public double MmcsOfLatents(bool absolute) =>
        Enumerable.Range(0, Latents).Average(i => Enumerable.Range(0, Features).Max(j => Signed(i, j, absolute)));

    /// <summary>Mean over features of the largest cosine with a latent: falls where features are missed.</summary>
    public double MmcsOfFeatures(bool absolute) =>
        Enumerable.Range(0, Features).Average(j => Enumerable.Range(0, Latents).Max(i => Signed(i, j, absolute)));

    /// <summary>The feature of largest |cosine| with each latent; the first of equals.</summary>
    public int[] BestFeatures() =>
        [.. Enumerable.Range(0, Latents).Select(i => Enumerable.Range(0, Features).MaxBy(j => Math.Abs(_cosines[i, j])))];

    /// <summary>Distinct best features per latent, in [0, 1].</summary>
    public double Uniqueness => BestFeatures().Distinct().Count() / (double)Latents;

    private double Signed(int i, int j, bool absolute) => absolute ? Math.Abs(_cosines[i, j]) : _cosines[i, j];

    private IReadOnlyList<(int, int)> Match()
    {
        var cost = new double[Latents, Features];
        for (var i = 0; i < Latents; i++)
            for (var j = 0; j < Features; j++) cost[i, j] = 1 - Math.Abs(_cosines[i, j]);
        return Assignment.Solve(cost);
    }

    private static Tensor Unit(Tensor rows)
    {
        var wide = rows.to(ScalarType.Float64);
        return wide / wide.norm(1, keepdim: true).clamp_min(1e-300);
    }
}
