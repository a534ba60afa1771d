using static TorchSharp.torch;

namespace InterpActors.Compute.Methods.HeadMetrics;

/// <summary>
/// A head's important positions in a prompt: the max(1, T div 10) that receive most attention, by the column sums of its pattern with
/// rows normalised; ties go to the lower position.
/// </summary>
internal static class ReceivedAttention
{
    /// <summary>How many positions count as important.</summary>
    public static int Count(int length) => Math.Max(1, length / 10);

    /// <param name="pattern">[query, key]</param>
    /// <returns>The positions by plain column sums, and by column sums divided by the number of queries that can see the column.</returns>
    public static (int[] Plain, int[] Causal) Positions(Tensor pattern)
    {
        using var scope = NewDisposeScope();
        var rows = pattern.to(ScalarType.Float64);
        var received = (rows / rows.sum(dim: -1, keepdim: true)).sum(dim: 0).contiguous().data<double>().ToArray();
        var length = received.Length;
        var causal = received.Select((v, t) => v / (length - t)).ToArray();
        return (Top(received), Top(causal));
    }

    private static int[] Top(double[] values) =>
        [.. Enumerable.Range(0, values.Length).OrderByDescending(t => values[t]).ThenBy(t => t).Take(Count(values.Length))];
}
