using InterpActors.Compute.Interventions;
using InterpActors.Compute.Metrics;
using InterpActors.Compute.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Interventions;

/// <summary>The slow truth: a full forward of one prompt with every edit written over its hook.</summary>
internal sealed class PlainOracle(ModelWeights weights) : IDisposable
{
    private readonly HookedTransformer _model = new(weights);

    public (double Metric, long Changed, double Largest) Evaluate(int[] prompt, int promptIndex, int answer, IReadOnlyList<Edit> edits,
        MetricReader metric)
    {
        var (changed, largest) = (0L, 0.0);
        var logits = Forward(prompt, edits, new HookSet(), (c, l) => (changed, largest) = (changed + c, Math.Max(largest, l)))[0, answer];
        return (Read(metric, promptIndex, logits), changed, largest);
    }

    /// <summary>Logits [1, pos, d_vocab].</summary>
    public Tensor Forward(int[] prompt, IReadOnlyList<Edit> edits, HookSet hooks, Action<long, double>? note = null)
    {
        foreach (var edit in edits)
            hooks.Write(edit.Site.HookName, old =>
            {
                var result = old.contiguous().clone();
                var (head, component) = (edit.Site.Head, edit.Site.Component);
                var view = component == Component.Pattern ? result[0, head!.Value] : result[0].flatten(1);
                if (head is { } h && component != Component.Pattern)
                    view = view.narrow(1, (long)h * weights.Config.HeadWidth, weights.Config.HeadWidth);
                long[] positions = [.. (edit.Positions ?? [.. Enumerable.Range(0, prompt.Length)]).Select(p => (long)p)];
                if (positions.Length == 0) return result;
                var index = tensor(positions);
                var difference = (view.index_select(0, index) - edit.Values).abs();
                // The plain forward's own rounding is no change.
                note?.Invoke((difference > 1e-12).count_nonzero().item<long>(), difference.max().item<double>());
                view.index_copy_(0, index, edit.Values);
                return result;
            });
        return _model.Forward([prompt], hooks);
    }

    public static double Read(MetricReader metric, int prompt, Tensor logits) => metric.NeedsAllLogits
        ? metric.FromLogits([prompt], logits.unsqueeze(0))[0]
        : metric.FromColumns(prompt, [.. metric.Columns(prompt).Select(c => logits[c].ToDouble())]);

    public void Dispose() => _model.Dispose();
}

/// <summary>logit(first) − logit(second), other columns for each prompt.</summary>
internal sealed class ColumnMetric(int vocabulary) : MetricReader
{
    public override string Name => "columns";
    public override bool NeedsAllLogits => false;
    public override int[] Columns(int prompt) => [(3 + prompt) % vocabulary, (11 + 5 * prompt) % vocabulary];
    public override double FromColumns(int prompt, ReadOnlySpan<double> logits) => logits[0] - logits[1];
    public override double[] FromLogits(IReadOnlyList<int> prompts, Tensor logits) =>
        [.. prompts.Select((p, row) => FromColumns(p, [.. Columns(p).Select(c => logits[row, c].ToDouble())]))];
}

/// <summary>log Σ exp of all logits plus a logit of the prompt's own: sees every column.</summary>
internal sealed class AllLogitsMetric(int vocabulary) : MetricReader
{
    public override string Name => "all";
    public override bool NeedsAllLogits => true;
    public override int[] Columns(int prompt) => throw new InvalidOperationException();
    public override double FromColumns(int prompt, ReadOnlySpan<double> logits) => throw new InvalidOperationException();
    public override double[] FromLogits(IReadOnlyList<int> prompts, Tensor logits) =>
        [.. prompts.Select((p, row) => logits[row].to_type(ScalarType.Float64).logsumexp(0).ToDouble()
            + logits[row, (7 + p) % vocabulary].ToDouble())];
}
