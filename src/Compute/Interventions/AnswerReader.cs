using System.Numerics;
using InterpActors.Compute.Metrics;
using InterpActors.Compute.Weights;
using static TorchSharp.torch;

namespace InterpActors.Compute.Interventions;

/// <summary>From the last residual stream at answer positions to metrics: only the logits that the metric needs.</summary>
internal sealed unsafe class AnswerReader<T>(BlockMath<T> math) where T : unmanaged, IFloatingPointIeee754<T>
{
    private const long LogitsAtOnce = 8L << 20;

    /// <param name="prompts">[rows]: which prompt each row belongs to.</param>
    /// <param name="residual">[rows, d_model]</param>
    /// <param name="notFinite">Called with the first row that is not finite.</param>
    public double[] Read(MetricReader metric, int[] prompts, Tensor residual, Action<int> notFinite)
    {
        var weights = math.Weights;
        var x = math.Normalise(residual, weights.NormFinal, weights.NormFinalBias, notFinite);
        var values = metric.NeedsAllLogits ? All(metric, prompts, x) : Columns(metric, prompts, x);
        if (Array.FindIndex(values, v => !double.IsFinite(v)) is var bad and >= 0) notFinite(bad);
        return values;
    }

    private double[] All(MetricReader metric, int[] prompts, Tensor x)
    {
        var values = new double[prompts.Length];
        var step = (int)Math.Max(1, LogitsAtOnce / math.Config.Vocabulary);
        for (var first = 0; first < prompts.Length; first += step)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(step, prompts.Length - first);
            var logits = math.Linear(x.narrow(0, first, count), math.Weights.Unembedding, math.Weights.UnembeddingBias);
            metric.FromLogits(new ArraySegment<int>(prompts, first, count), logits).CopyTo(values, first);
        }
        return values;
    }

    private double[] Columns(MetricReader metric, int[] prompts, Tensor x)
    {
        var values = new double[prompts.Length];
        var width = math.Config.ModelWidth;
        var (rows, unembedding, bias) = (TensorMemory.Address(x), TensorMemory.Address(math.Weights.Unembedding),
            TensorMemory.Address(math.Weights.UnembeddingBias));
        for (var row = 0; row < prompts.Length; row++)
        {
            var columns = metric.Columns(prompts[row]);
            var logits = new double[columns.Length];
            for (var c = 0; c < columns.Length; c++)
            {
                logits[c] = Dot((T*)rows + (long)row * width, (T*)unembedding + (long)columns[c] * width, width);
                if (bias != 0) logits[c] += double.CreateChecked(((T*)bias)[columns[c]]);
            }
            values[row] = metric.FromColumns(prompts[row], logits);
        }
        return values;
    }

    private static double Dot(T* a, T* b, int width)
    {
        var sum = 0.0;
        for (var i = 0; i < width; i++) sum += double.CreateChecked(a[i]) * double.CreateChecked(b[i]);
        return sum;
    }
}
