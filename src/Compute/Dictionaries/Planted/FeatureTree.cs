using InterpActors.Compute.Statistics;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Planted;

/// <summary>
/// The hierarchical features of MP-SAE (arXiv:2506.03093): 20 features in 20 dimensions. Eleven roots exclude each other: three parents
/// (0.2 each) with three children each (0.2 each, none 0.4), and eight single features (0.05 each). A parent is orthogonal to its
/// children; roots among themselves, and siblings among themselves, have a cosine of 0.1 a level. Mean L0 1.36.
/// </summary>
internal sealed class FeatureTree : IPlantedWorld
{
    public const int Count = 20;
    public const int Levels = 9;

    // How much of its group's other directions is mixed into each, so that the cosine within the group is a tenth of the level.
    private static readonly double[] RootMix = [0, .3, .44, .529, .594, .6467, .692, .733, .7739];
    private static readonly double[] ChildMix = [0, .0895, .163, .226, .282, .3335, .3825, .431, .482];
    private static readonly int[] Singles = [.. Enumerable.Range(12, 8)];

    private readonly long _seed;

    /// <param name="level">0 … 8.</param>
    public FeatureTree(int level, long seed)
    {
        _seed = seed;
        Features = Directions(level, new SeededRandom(seed, 0)).DetachFromDisposeScope();
        Offset = zeros(Count, ScalarType.Float64).DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor Features { get; }

    /// <inheritdoc/>
    public Tensor Offset { get; }

    /// <inheritdoc/>
    public IReadOnlyList<int[]> Families { get; } = [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]];

    /// <inheritdoc/>
    public Tensor Activations(long batch, int rows)
    {
        var random = new SeededRandom(_seed, 1, batch);
        var values = new double[rows * Count];
        for (var r = 0; r < rows; r++)
        {
            var row = values.AsSpan(r * Count, Count);
            var root = random.NextDouble();
            if (root < 0.6)
            {
                var family = Families[Math.Min((int)(root / 0.2), 2)];
                row[family[0]] = Strength(random);
                var child = random.NextDouble();
                if (child < 0.6) row[family[1 + Math.Min((int)(child / 0.2), 2)]] = Strength(random);
            }
            else row[Singles[Math.Min((int)((root - 0.6) / 0.05), 7)]] = Strength(random);
        }
        return tensor(values, rows, Count);
    }

    private static double Strength(SeededRandom random) => 1.5 + 0.25 * random.NextNormal();

    private Tensor Directions(int level, SeededRandom random)
    {
        var basis = OrthonormalBasis.Draw(Count, random);
        var mixed = (double[][])basis.Clone();
        Mix(basis, mixed, [.. Families.Select(f => f[0]), .. Singles], RootMix[level]);
        foreach (var family in Families) Mix(basis, mixed, family[1..], ChildMix[level]);
        return tensor(mixed.SelectMany(row => row).ToArray(), Count, Count);
    }

    private static void Mix(double[][] basis, double[][] into, int[] group, double share)
    {
        foreach (var i in group)
        {
            var row = basis[i].Select(v => (1 - share) * v).ToArray();
            foreach (var other in group)
                if (other != i)
                    for (var k = 0; k < row.Length; k++) row[k] += share / (group.Length - 1) * basis[other][k];
            var length = Math.Sqrt(row.Sum(v => v * v));
            into[i] = [.. row.Select(v => v / length)];
        }
    }
}
