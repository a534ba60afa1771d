using System.Numerics;
using InterpActors.Compute.Statistics;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Planted;

/// <summary>The sizes of a <see cref="SyntheticFeatures"/> world; the defaults fit a laptop.</summary>
/// <param name="Features">How many directions are planted.</param>
/// <param name="Width">d: fewer dimensions than features put them in superposition.</param>
/// <param name="MostLikely">Firing probability of the first feature.</param>
/// <param name="LeastLikely">Firing probability of the last.</param>
/// <param name="Roots">Features that head a hierarchy.</param>
/// <param name="Branching">Children of each feature that has any; siblings exclude each other.</param>
/// <param name="Depth">Levels of a hierarchy, the root's included.</param>
/// <param name="CorrelationRank">Rank of the correlations between features (Gaussian copula).</param>
/// <param name="CorrelationScale">Their size; 0 for independent features.</param>
/// <param name="Bias">Length of a vector that is added to every row.</param>
/// <param name="Compensate">Raises a child's probability by what its parent's absence takes.</param>
internal sealed record SyntheticSizes(
    int Features = 256, int Width = 64, double MostLikely = 0.3, double LeastLikely = 0.005, int Roots = 8, int Branching = 3,
    int Depth = 3, int CorrelationRank = 25, double CorrelationScale = 0.1, bool Compensate = true, double Bias = 0.5);

/// <summary>
/// Data in the manner of SynthSAEBench (SAELens, synthetic data): many features in superposition whose probabilities fall with the root of
/// their rank, with correlations, hierarchies and spread magnitudes. A child is off where its parent is off and scales with it.
/// </summary>
internal sealed class SyntheticFeatures : IPlantedWorld
{
    private const int OrthogonalisingSteps = 100;

    private readonly SyntheticSizes _sizes;
    private readonly long _seed;
    private readonly int[] _parent;
    private readonly double[] _line;
    private readonly double[] _mean;
    private readonly double[] _spread;
    // [rank][features]
    private readonly double[][] _factors;
    private readonly double[] _own;

    public SyntheticFeatures(SyntheticSizes sizes, long seed)
    {
        (_sizes, _seed) = (sizes, seed);
        var random = new SeededRandom(seed, 0);
        var n = sizes.Features;
        _parent = Parents(sizes, out var families);
        Families = families;
        Features = Directions(sizes, random).DetachFromDisposeScope();
        var direction = Enumerable.Range(0, sizes.Width).Select(_ => random.NextNormal()).ToArray();
        var length = Math.Sqrt(direction.Sum(v => v * v));
        Offset = tensor(direction.Select(v => sizes.Bias * v / length).ToArray()).DetachFromDisposeScope();
        _mean = [.. Enumerable.Range(0, n).Select(i => 5 - i / (double)Math.Max(1, n - 1))];
        _spread = [.. Enumerable.Range(0, n).Select(_ => Math.Abs(0.5 + 0.5 * random.NextNormal()))];
        var factors = Enumerable.Range(0, n).Select(_ => Enumerable.Range(0, sizes.CorrelationRank)
            .Select(_ => sizes.CorrelationScale * random.NextNormal()).ToArray()).ToArray();
        // The factors' share of a feature's variance; what is left is its own, so that its probability is what it should be.
        _own = new double[n];
        for (var i = 0; i < n; i++)
        {
            var shared = factors[i].Sum(v => v * v);
            if (shared > 0.9)
            {
                var shrink = Math.Sqrt(0.9 / shared);
                for (var k = 0; k < factors[i].Length; k++) factors[i][k] *= shrink;
                shared = 0.9;
            }
            _own[i] = Math.Sqrt(1 - shared);
        }
        _factors = [.. Enumerable.Range(0, sizes.CorrelationRank).Select(k => factors.Select(f => f[k]).ToArray())];
        _line = [.. Probabilities(sizes, _parent).Select(p => -NormalQuantile(p))];
    }

    /// <inheritdoc/>
    public Tensor Features { get; }

    /// <inheritdoc/>
    public Tensor Offset { get; }

    /// <inheritdoc/>
    public IReadOnlyList<int[]> Families { get; }

    /// <inheritdoc/>
    public Tensor Activations(long batch, int rows)
    {
        var random = new SeededRandom(_seed, 1, batch);
        var n = _sizes.Features;
        var values = new double[(long)rows * n];
        var shared = new double[_sizes.CorrelationRank];
        for (var r = 0; r < rows; r++)
        {
            for (var k = 0; k < shared.Length; k++) shared[k] = random.NextNormal();
            Draw(values.AsSpan(r * n, n), shared, random);
        }
        return tensor(values, rows, n);
    }

    private void Draw(Span<double> row, double[] shared, SeededRandom random)
    {
        for (var i = 0; i < row.Length; i++) row[i] = _own[i] * random.NextNormal();
        // Feature by feature the sum has one order, however many of them a vector holds.
        for (var k = 0; k < shared.Length; k++) AddTo(row, _factors[k], shared[k]);
        for (var i = 0; i < row.Length; i++)
            row[i] = row[i] > _line[i] ? Math.Max(0, _mean[i] + _spread[i] * random.NextNormal()) : 0;
        // Parents come before their children, so one pass settles a whole hierarchy.
        foreach (var family in Families)
        {
            var (parent, kept) = (family[0], -1);
            var on = 0;
            for (var c = 1; c < family.Length; c++)
            {
                if (row[family[c]] == 0) continue;
                // Of siblings that fire together each is kept with the same probability.
                if (random.Next(++on) == 0) kept = family[c];
            }
            for (var c = 1; c < family.Length; c++)
                row[family[c]] = family[c] == kept ? row[kept] * row[parent] / _mean[parent] : 0;
        }
    }

    private static void AddTo(Span<double> sums, double[] values, double factor)
    {
        var i = 0;
        for (; i <= sums.Length - Vector<double>.Count; i += Vector<double>.Count)
            (new Vector<double>(sums[i..]) + new Vector<double>(values, i) * factor).CopyTo(sums[i..]);
        for (; i < sums.Length; i++) sums[i] += values[i] * factor;
    }

    private static int[] Parents(SyntheticSizes sizes, out IReadOnlyList<int[]> families)
    {
        var parents = new int[sizes.Features];
        Array.Fill(parents, -1);
        var found = new List<int[]>();
        var (level, next) = (Enumerable.Range(0, sizes.Roots).ToArray(), sizes.Roots);
        for (var depth = 1; depth < sizes.Depth; depth++)
        {
            var below = new List<int>();
            foreach (var parent in level)
            {
                int[] children = [.. Enumerable.Range(next, sizes.Branching)];
                next += sizes.Branching;
                foreach (var child in children) parents[child] = parent;
                found.Add([parent, .. children]);
                below.AddRange(children);
            }
            level = [.. below];
        }
        families = found;
        return parents;
    }

    /// <summary>The probability with which each feature's own draw fires.</summary>
    private static double[] Probabilities(SyntheticSizes sizes, int[] parents)
    {
        var n = sizes.Features;
        var least = 1 / Math.Sqrt(n);
        var wanted = Enumerable.Range(1, n).Select(r =>
            sizes.LeastLikely + (sizes.MostLikely - sizes.LeastLikely) * (n == 1 ? 1 : (1 / Math.Sqrt(r) - least) / (1 - least))).ToArray();
        if (!sizes.Compensate) return wanted;
        return [.. wanted.Select((p, i) => parents[i] < 0 ? p : Math.Min(1 - 1e-9, p / wanted[parents[i]]))];
    }

    /// <summary>Random unit rows, then Adam steps on Σ cos² over pairs, as the original.</summary>
    private static Tensor Directions(SyntheticSizes sizes, SeededRandom random)
    {
        using var scope = NewDisposeScope();
        var (n, d) = (sizes.Features, sizes.Width);
        var drawn = new double[n * d];
        for (var i = 0; i < drawn.Length; i++) drawn[i] = random.NextNormal();
        var rows = tensor(drawn, n, d);
        rows = rows / rows.norm(1, keepdim: true);
        var (first, second) = (zeros_like(rows), zeros_like(rows));
        for (var step = 1; step <= OrthogonalisingSteps; step++)
        {
            using var inner = NewDisposeScope();
            var cosines = rows.matmul(rows.t());
            cosines.diagonal().fill_(0);
            // Gradient of Σ_{i≠j} (eᵢ·eⱼ)² + n Σᵢ (|eᵢ|² − 1)².
            var gradient = cosines.matmul(rows) * 4 + rows * (rows.square().sum(1, keepdim: true) - 1) * (4 * n);
            first = (first * 0.9 + gradient * 0.1).MoveToOuterDisposeScope();
            second = (second * 0.999 + gradient.square() * 0.001).MoveToOuterDisposeScope();
            var change = first / (1 - Math.Pow(0.9, step)) / ((second / (1 - Math.Pow(0.999, step))).sqrt() + 1e-8);
            rows = (rows - change * 3e-4).MoveToOuterDisposeScope();
        }
        return (rows / rows.norm(1, keepdim: true)).MoveToOuterDisposeScope();
    }

    private static double NormalQuantile(double p) => MathNet.Numerics.Distributions.Normal.InvCDF(0, 1, p);
}
