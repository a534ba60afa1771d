using InterpActors.Compute.Statistics;

namespace InterpActors.Compute.Tests.Statistics;

public class AssignmentTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(4, 4)]
    [InlineData(3, 6)]
    [InlineData(6, 3)]
    [InlineData(7, 7)]
    public void Costs_as_little_as_the_best_of_all_matchings(int rows, int columns)
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var random = new SeededRandom(seed);
            var cost = new double[rows, columns];
            for (var i = 0; i < rows; i++)
                for (var j = 0; j < columns; j++) cost[i, j] = seed % 2 == 0 ? random.NextNormal() : random.Next(4);

            var pairs = Assignment.Solve(cost);

            Assert.Equal(Math.Min(rows, columns), pairs.Count);
            Assert.Equal(pairs.Count, pairs.Select(p => p.Row).Distinct().Count());
            Assert.Equal(pairs.Count, pairs.Select(p => p.Column).Distinct().Count());
            Assert.Equal(pairs.OrderBy(p => p.Row), pairs);
            Assert.Equal(Cheapest(cost, 0, []), pairs.Sum(p => cost[p.Row, p.Column]), 1e-12);
        }
    }

    private static double Cheapest(double[,] cost, int row, HashSet<int> taken)
    {
        var (rows, columns) = (cost.GetLength(0), cost.GetLength(1));
        if (row == rows) return 0;
        var best = double.PositiveInfinity;
        // Where there are more rows than columns, some rows stay without one.
        if (rows - row > columns - taken.Count) best = Cheapest(cost, row + 1, taken);
        for (var j = 0; j < columns; j++)
        {
            if (!taken.Add(j)) continue;
            best = Math.Min(best, cost[row, j] + Cheapest(cost, row + 1, taken));
            taken.Remove(j);
        }
        return best;
    }
}
