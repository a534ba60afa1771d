using InterpActors.Compute.Statistics;

namespace InterpActors.Compute.Dictionaries.Evaluation;

/// <summary>
/// What a class of texts is told apart from: as many texts of the other classes as it has, evenly from each. As SAEBench.
/// </summary>
internal static class OtherTexts
{
    /// <summary>How many of each other class that takes.</summary>
    /// <param name="counts">Texts by class; at least two classes.</param>
    public static int Each(IReadOnlyList<int> counts, int of) => (counts[of] + counts.Count - 2) / (counts.Count - 1);

    /// <summary>The first texts of each other class, or some that are drawn.</summary>
    /// <param name="counts">Texts by class: no other class has fewer than <see cref="Each"/>.</param>
    /// <param name="seed">Null for the first ones.</param>
    /// <param name="stream">Tells draws of one seed apart.</param>
    /// <returns>In the order of classes.</returns>
    public static IReadOnlyList<(int Class, int Text)> Evenly(IReadOnlyList<int> counts, int of, long? seed = null, long stream = 0)
    {
        var each = Each(counts, of);
        var all = new List<(int Class, int Text)>();
        for (var c = 0; c < counts.Count; c++)
        {
            if (c == of) continue;
            var some = Enumerable.Range(0, counts[c]).ToArray();
            all.AddRange((seed is { } s ? new SeededRandom(s, stream, of, c).Sample(some, each) : some[..each]).Select(t => (c, t)));
        }
        if (all.Count <= counts[of]) return all;
        if (seed is not { } drawn) return all[..counts[of]];
        var kept = new SeededRandom(drawn, stream, of, of).Sample(Enumerable.Range(0, all.Count).ToArray(), counts[of]);
        return [.. kept.Order().Select(i => all[i])];
    }
}
