namespace InterpActors.Compute.Dictionaries.Evaluation;

/// <summary>
/// How a dictionary treats a tree of features: whether each feature has a latent of its own, and whether the latents of children have
/// taken in their parents' direction (absorption). Source: the tree of MP-SAE, arXiv:2506.03093.
/// </summary>
/// <param name="Families">Features by family, the parent first.</param>
internal sealed record TreeScore(FeatureMatch Match, IReadOnlyList<int[]> Families)
{
    /// <summary>The latent matched to each feature; -1 where there are fewer latents than features.</summary>
    public int[] LatentOfFeature { get; } = Latents(Match);

    /// <summary>Mean |cosine| of the parents' latents with their features.</summary>
    public double ParentCosine => Mean(Families.Select(f => Cosine(f[0], f[0])));

    /// <summary>Mean |cosine| of the children's latents with their features.</summary>
    public double ChildCosine => Mean(Families.SelectMany(f => f.Skip(1).Select(c => Cosine(c, c))));

    /// <summary>
    /// Mean |cosine| of the children's latents with their parent's feature: above the features' own cosine, it was taken in.
    /// </summary>
    public double ChildParentCosine => Mean(Families.SelectMany(f => f.Skip(1).Select(c => Cosine(c, f[0]))));

    private double Cosine(int latentOf, int feature) =>
        LatentOfFeature[latentOf] is >= 0 and var latent ? Math.Abs(Match.Cosine(latent, feature)) : 0;

    private static double Mean(IEnumerable<double> values) => values.Average();

    private static int[] Latents(FeatureMatch match)
    {
        var latents = new int[match.Features];
        Array.Fill(latents, -1);
        foreach (var (latent, feature) in match.Matching) latents[feature] = latent;
        return latents;
    }
}
