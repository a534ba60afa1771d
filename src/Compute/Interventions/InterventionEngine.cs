using InterpActors.Compute.Metrics;
using InterpActors.Compute.Models;
using InterpActors.Messages.Work;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Interventions;

/// <summary>
/// Computes intervened forwards: every ablation, patching and head-metric cell comes from here. Stateless beside the weights; several
/// threads may share it and a base run. A row's reading is a pure function of weights, base run, the rows of the call, routes and threads.
/// </summary>
public sealed class InterventionEngine(ModelWeights weights, MatmulRoutes matmul) : IDisposable
{
    private readonly HookedTransformer _model = new(weights);

    public MatmulRoutes Matmul { get; } = matmul;

    /// <summary>Runs prompts without intervention and keeps what intervened rows of them start from.</summary>
    /// <param name="prompts">Token ids; lengths may differ.</param>
    /// <param name="answerPositions">Position in each prompt at which metrics are read.</param>
    /// <param name="keep">Components that will be read through <see cref="BaseRun.Activation"/>; others may be recomputed when asked for.</param>
    public BaseRun RunBase(IReadOnlyList<int[]> prompts, IReadOnlyList<int> answerPositions, IReadOnlyCollection<Component> keep)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var activations = new Dictionary<(Component, int, int), Tensor>();
        var logits = new Tensor[prompts.Count];
        for (var p = 0; p < prompts.Count; p++)
        {
            var hooks = new HookSet();
            var names = new Dictionary<(Component, int), string>();
            for (var layer = 0; layer < weights.Config.Layers; layer++)
                foreach (var component in Enum.GetValues<Component>())
                    if (weights.Config.HasMlp || component is not (Component.ResidMid or Component.MlpOut or Component.MlpPost))
                        names[(component, layer)] = component.HookName(layer);
            hooks.Read(names.Values);
            logits[p] = _model.Forward([prompts[p]], hooks)[0, answerPositions[p]].DetachFromDisposeScope();
            foreach (var (key, name) in names)
            {
                var t = hooks.Activations[name][0];
                if (key.Item1 is not Component.Pattern) t = t.flatten(1);
                activations[(key.Item1, key.Item2, p)] = t.contiguous().clone().DetachFromDisposeScope();
            }
        }
        return new BaseRun(prompts, answerPositions, activations, logits);
    }

    /// <summary>Computes rows.</summary>
    /// <param name="progress">Called now and then with the done fraction in [0, 1].</param>
    /// <returns>A reading per row, in order.</returns>
    /// <exception cref="UnitException">An activation or a metric of a row is not finite; the message names the row.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public RowReading[] Evaluate(BaseRun baseRun, IReadOnlyList<InterventionRow> rows, MetricReader metric, CancellationToken ct, Action<double>? progress = null)
    {
        using var _ = no_grad();
        var readings = new RowReading[rows.Count];
        for (var r = 0; r < rows.Count; r++)
        {
            ct.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            readings[r] = Plain(baseRun, rows[r], metric);
            progress?.Invoke((r + 1.0) / rows.Count);
        }
        return readings;
    }

    private RowReading Plain(BaseRun baseRun, InterventionRow row, MetricReader metric)
    {
        var hooks = new HookSet();
        long changed = 0;
        var largest = 0.0;
        foreach (var edit in row.Edits)
            hooks.Write(edit.Site.HookName, old =>
            {
                var width = edit.Site.Head is not null && edit.Site.Component != Component.Pattern ? weights.Config.HeadWidth : 0;
                var result = old.clone();
                var view = edit.Site.Component == Component.Pattern ? result[0, edit.Site.Head!.Value] : result[0].flatten(1);
                if (width > 0) view = view.narrow(1, (long)edit.Site.Head!.Value * width, width);
                var index = tensor(edit.Positions?.Select(p => (long)p).ToArray() ?? [.. Enumerable.Range(0, (int)view.shape[0]).Select(i => (long)i)]);
                var difference = (view.index_select(0, index) - edit.Values).abs();
                changed += difference.count_nonzero().ToInt64();
                largest = Math.Max(largest, difference.max().ToDouble());
                view.index_copy_(0, index, edit.Values);
                return result;
            });
        var logits = _model.Forward([baseRun.Prompts[row.Prompt]], hooks)[0, baseRun.AnswerPositions[row.Prompt]];
        return new RowReading(BaseRun.Read(metric, row.Prompt, logits), changed, largest, true);
    }

    /// <inheritdoc/>
    public void Dispose() => _model.Dispose();
}
