namespace InterpActors.Compute.Statistics;

/// <summary>The linear assignment problem: the matching of rows to columns of least total cost.</summary>
internal static class Assignment
{
    /// <summary>
    /// The matching of min(rows, columns) pairs of least total cost, by shortest augmenting paths (Kuhn 1955; Jonker and Volgenant,
    /// Computing 38, 1987), in O(n² · m) time for n rows of the shorter side.
    /// </summary>
    /// <param name="cost">[row, column], finite.</param>
    /// <returns>Pairs in the order of rows.</returns>
    public static IReadOnlyList<(int Row, int Column)> Solve(double[,] cost)
    {
        var (rows, columns) = (cost.GetLength(0), cost.GetLength(1));
        if (rows > columns)
        {
            var turned = new double[columns, rows];
            for (var i = 0; i < rows; i++)
                for (var j = 0; j < columns; j++) turned[j, i] = cost[i, j];
            return [.. Solve(turned).Select(p => (Row: p.Column, Column: p.Row)).OrderBy(p => p.Row)];
        }
        var rowPotential = new double[rows];
        var columnPotential = new double[columns];
        var rowOfColumn = new int[columns];
        Array.Fill(rowOfColumn, -1);
        for (var row = 0; row < rows; row++) Augment(cost, row, rowPotential, columnPotential, rowOfColumn);
        return [.. Enumerable.Range(0, columns).Where(j => rowOfColumn[j] >= 0)
            .Select(j => (Row: rowOfColumn[j], Column: j))
            .OrderBy(p => p.Row)];
    }

    /// <summary>Matches one more row along the cheapest alternating path to a free column.</summary>
    private static void Augment(double[,] cost, int start, double[] rowPotential, double[] columnPotential, int[] rowOfColumn)
    {
        var columns = columnPotential.Length;
        var distance = new double[columns];
        var cameFrom = new int[columns];
        var settled = new bool[columns];
        Array.Fill(distance, double.PositiveInfinity);
        var (row, column, reached) = (start, -1, 0.0);
        while (true)
        {
            var nearest = -1;
            for (var j = 0; j < columns; j++)
            {
                if (settled[j]) continue;
                var through = reached + cost[row, j] - rowPotential[row] - columnPotential[j];
                if (through < distance[j]) (distance[j], cameFrom[j]) = (through, column);
                if (nearest < 0 || distance[j] < distance[nearest]) nearest = j;
            }
            settled[nearest] = true;
            (column, reached) = (nearest, distance[nearest]);
            if (rowOfColumn[column] < 0) break;
            row = rowOfColumn[column];
        }
        rowPotential[start] += reached;
        for (var j = 0; j < columns; j++)
        {
            if (!settled[j] || j == column) continue;
            columnPotential[j] += distance[j] - reached;
            rowPotential[rowOfColumn[j]] += reached - distance[j];
        }
        while (column >= 0)
        {
            var before = cameFrom[column];
            rowOfColumn[column] = before < 0 ? start : rowOfColumn[before];
            column = before;
        }
    }
}
