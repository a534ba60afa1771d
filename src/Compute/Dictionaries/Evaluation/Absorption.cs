namespace InterpActors.Compute.Dictionaries.Evaluation;

/// <summary>When one row counts as absorbed; the names and values are SAEBench's.</summary>
/// <param name="LatentsMax">At most so many absorbing latents are counted.</param>
/// <param name="CosineFull">Least cosine of the one latent that absorbs in full.</param>
/// <param name="CosineFraction">Least cosine of a latent that absorbs in part.</param>
/// <param name="Projection">Least share of the probe's projection that the absorbing latents carry.</param>
internal sealed record AbsorptionLimits(
    int LatentsMax = 3, double CosineFull = 0.025, double CosineFraction = 0.1, double Projection = 0.4);

/// <summary>
/// Feature absorption with a known direction as the probe: whether, on rows where the parent feature is on, its own latents are silent
/// and others carry its direction. Sources: arXiv:2409.14507; SAEBench's absorption fraction and full absorption.
/// </summary>
/// <param name="cosines">[latents]: cosine of each decoder row with the probe.</param>
/// <param name="main">The parent's own latents.</param>
internal sealed class Absorption(double[] cosines, int[] main, AbsorptionLimits limits)
{
    // SAEBench's line below which a main latent counts as silent.
    private const double Silent = 1e-8;

    /// <param name="codes">[latents] of one row.</param>
    /// <param name="projection">The row's projection on the probe.</param>
    /// <returns>The fraction of the parent that was absorbed in [0, 1], and whether all of it was.</returns>
    public (double Fraction, bool Full) Of(ReadOnlySpan<double> codes, double projection)
    {
        double own = 0;
        var silent = true;
        foreach (var latent in main)
        {
            own += codes[latent] * cosines[latent];
            silent &= codes[latent] < Silent;
        }
        var absorbing = new List<double>();
        var best = 0;
        for (var j = 0; j < cosines.Length; j++)
        {
            var carried = codes[j] * cosines[j];
            if (carried > codes[best] * cosines[best]) best = j;
            if (carried > 0 && cosines[j] >= limits.CosineFraction && !main.Contains(j)) absorbing.Add(carried);
        }
        var absorbed = absorbing.OrderDescending().Take(limits.LatentsMax).Sum();
        var full = silent && cosines[best] >= limits.CosineFull && projection >= 0
            && codes[best] * cosines[best] / projection >= limits.Projection;
        return (Fraction(own, absorbed, projection), full);
    }

    private double Fraction(double own, double absorbed, double projection)
    {
        if (own >= projection || absorbed / projection < limits.Projection) return 0;
        if (own <= 0) return 1;
        var missing = Math.Min(absorbed, projection - own);
        return missing / (missing + own);
    }
}
