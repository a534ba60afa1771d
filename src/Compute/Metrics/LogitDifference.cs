using InterpActors.Compute.Tasks;
using static TorchSharp.torch;

namespace InterpActors.Compute.Metrics;

/// <summary>Mean logit of the right answers minus mean logit of the wrong ones.</summary>
public sealed class LogitDifference(IReadOnlyList<PromptPair> prompts) : MetricReader
{
    public override string Name => MetricWords.LogitDifference;

    public override bool NeedsAllLogits => false;

    /// <summary>Right answers first, then wrong ones.</summary>
    public override int[] Columns(int prompt) => [.. prompts[prompt].Answers, .. prompts[prompt].Wrong];

    /// <inheritdoc/>
    public override double FromColumns(int prompt, ReadOnlySpan<double> logits)
    {
        var answers = prompts[prompt].Answers.Length;
        return Mean(logits[..answers]) - Mean(logits[answers..]);
    }

    /// <inheritdoc/>
    public override double[] FromLogits(IReadOnlyList<int> rows, Tensor logits)
    {
        var values = new double[rows.Count];
        for (var r = 0; r < values.Length; r++)
        {
            using var scope = NewDisposeScope();
            var columns = logits[r].index_select(0, tensor(Columns(rows[r]).Select(c => (long)c).ToArray(), device: logits.device));
            values[r] = FromColumns(rows[r], columns.cpu().to(ScalarType.Float64).data<double>().ToArray());
        }
        return values;
    }

    private static double Mean(ReadOnlySpan<double> values)
    {
        var sum = 0.0;
        foreach (var v in values) sum += v;
        return sum / values.Length;
    }
}
