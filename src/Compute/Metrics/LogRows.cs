using static TorchSharp.torch;

namespace InterpActors.Compute.Metrics;

/// <summary>Log-probabilities in fp64, a few rows at a time, so that a large vocabulary never needs a large second copy.</summary>
internal static class LogRows
{
    private const long ElementsAtOnce = 4L << 20;

    /// <summary>
    /// Calls <paramref name="read"/> with each row's index and its log-probabilities [d_vocab] (fp64, natural logarithm).
    /// </summary>
    public static void ForEach(Tensor logits, RowReader read)
    {
        var rows = logits.shape[0];
        var step = Math.Max(1, ElementsAtOnce / Math.Max(1, logits.shape[1]));
        for (long first = 0; first < rows; first += step)
        {
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            var some = logits.narrow(0, first, Math.Min(step, rows - first)).cpu().to(ScalarType.Float64);
            var logs = some.log_softmax(-1).contiguous();
            var width = (int)logs.shape[1];
            var data = logs.data<double>();
            var buffer = new double[width];
            for (var r = 0; r < logs.shape[0]; r++)
            {
                data.CopyTo(buffer, 0, r * (long)width);
                read((int)first + r, buffer);
            }
        }
    }

    public delegate void RowReader(int row, ReadOnlySpan<double> logProbabilities);

    /// <summary>Sum of the probabilities of some ids.</summary>
    public static double Mass(ReadOnlySpan<double> logProbabilities, int[] ids)
    {
        var sum = 0.0;
        foreach (var id in ids) sum += Math.Exp(logProbabilities[id]);
        return sum;
    }
}
