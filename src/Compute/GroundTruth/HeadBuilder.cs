using InterpActors.Compute.Statistics;

namespace InterpActors.Compute.GroundTruth;

/// <summary>
/// The weights of one attention head, put together from what it compares and what it moves. Attention is exp(score), normalised over the
/// keys so far; a score is the sum of the terms.
/// </summary>
/// <param name="width">d_head: room for that many comparisons, and for that many moved coordinates.</param>
internal sealed class HeadBuilder(ResidualLayout residual, int width)
{
    private int _comparisons;
    private int _moves;

    /// <summary>[d_head, d_model].</summary>
    public double[,] Query { get; } = new double[width, residual.Width];

    /// <summary>[d_head, d_model].</summary>
    public double[,] Key { get; } = new double[width, residual.Width];

    /// <summary>[d_head, d_model].</summary>
    public double[,] Value { get; } = new double[width, residual.Width];

    /// <summary>[d_model, d_head].</summary>
    public double[,] Output { get; } = new double[residual.Width, width];

    /// <summary>Adds weight · (coordinate of the query) · (coordinate of the key) to the score.</summary>
    public HeadBuilder Compare(double weight, int query, int key) => Compare([(query, weight)], key);

    /// <summary>Adds (weighted sum of coordinates of the query) · (coordinate of the key) to the score.</summary>
    public HeadBuilder Compare(IEnumerable<(int Coordinate, double Weight)> query, int key)
    {
        var row = _comparisons++;
        foreach (var (coordinate, weight) in query) Query[row, coordinate] = weight;
        Key[row, key] = 1;
        return this;
    }

    /// <summary>Adds weight · (number of coordinates at which two blocks agree) to the score.</summary>
    public HeadBuilder Match(double weight, string queryBlock, string keyBlock, int count, int queryFrom = 0, int keyFrom = 0)
    {
        for (var i = 0; i < count; i++) Compare(weight, residual.At(queryBlock, queryFrom + i), residual.At(keyBlock, keyFrom + i));
        return this;
    }

    /// <summary>Adds weight · (coordinate of the key) to outputs.</summary>
    public HeadBuilder Move(double weight, int from, params ReadOnlySpan<int> to)
    {
        var column = _moves++;
        Value[column, from] = 1;
        foreach (var coordinate in to) Output[coordinate, column] = weight;
        return this;
    }

    /// <summary>Copies one block of the key, times a weight, to another.</summary>
    public HeadBuilder MoveBlock(double weight, string from, string to)
    {
        for (var i = 0; i < residual.Size(from); i++) Move(weight, residual.At(from, i), residual.At(to, i));
        return this;
    }

    /// <summary>Random comparisons of the whole residual stream, and random values of it written to one block.</summary>
    public static HeadBuilder Distractor(ResidualLayout residual, int width, int rank, string to, SeededRandom random)
    {
        var head = new HeadBuilder(residual, width);
        for (var r = 0; r < rank; r++)
        {
            foreach (var matrix in new[] { head.Query, head.Key, head.Value })
                for (var i = 0; i < residual.Width; i++) matrix[r, i] = Draw();
            for (var i = 0; i < residual.Size(to); i++) head.Output[residual.At(to, i), r] = Draw();
        }
        return head;

        // A single-precision number, so that the file holds it exactly.
        double Draw() => (float)(random.NextDouble() - 0.5);
    }
}
