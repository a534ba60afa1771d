using MathNet.Numerics.Distributions;

namespace InterpActors.Compute.Reports;

/// <summary>Which cells count as strong, and how sure their effects are.</summary>
public static class CellOrder
{
    /// <summary>How strong a cell is: the size of its score, or of its effect where it has no score; -1 where it has neither.</summary>
    public static double Strength(CellRow row) =>
        row.Score is { } score && double.IsFinite(score) ? Math.Abs(score)
        : row.Effect is { } effect && double.IsFinite(effect) ? Math.Abs(effect) : -1;

    /// <summary>The strongest cells, strongest first; ties keep plan order.</summary>
    public static IReadOnlyList<CellRow> Strongest(IEnumerable<CellRow> rows, int count)
    {
        // A bounded queue, weakest in front, keeps this linear for millions of cells.
        var queue = new PriorityQueue<CellRow, (double Strength, long Place)>();
        var place = 0L;
        foreach (var row in rows)
        {
            place--;
            var strength = Strength(row);
            if (strength < 0) continue;
            queue.Enqueue(row, (strength, place));
            if (queue.Count > count) queue.Dequeue();
        }
        var strongest = new CellRow[queue.Count];
        for (var i = strongest.Length - 1; i >= 0; i--) strongest[i] = queue.Dequeue();
        return strongest;
    }

    /// <summary>Half a 95 % interval in standard errors: the 0.975 quantile of Student's t with n - 1 degrees of freedom.</summary>
    public static double? HalfWidth(int n) => n > 1 ? StudentT.InvCDF(0, 1, n - 1, 0.975) : null;
}
