using InterpActors.Compute.Statistics;

namespace InterpActors.Compute.Dictionaries.Planted;

/// <summary>Random orthonormal bases.</summary>
internal static class OrthonormalBasis
{
    /// <summary>Rows drawn from the normal distribution and made orthonormal one after another (Gram and Schmidt, each twice).</summary>
    public static double[][] Draw(int size, SeededRandom random)
    {
        var rows = new double[size][];
        for (var i = 0; i < size; i++)
        {
            var row = Enumerable.Range(0, size).Select(_ => random.NextNormal()).ToArray();
            for (var pass = 0; pass < 2; pass++)
                for (var j = 0; j < i; j++)
                {
                    double along = 0;
                    for (var k = 0; k < size; k++) along += row[k] * rows[j][k];
                    for (var k = 0; k < size; k++) row[k] -= along * rows[j][k];
                }
            var length = Math.Sqrt(row.Sum(v => v * v));
            rows[i] = [.. row.Select(v => v / length)];
        }
        return rows;
    }
}
