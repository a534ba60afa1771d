using System.Buffers.Binary;
using InterpActors.Compute.Interventions;
using InterpActors.Compute.Metrics;
using InterpActors.Compute.Reports;
using InterpActors.Compute.Studies;
using InterpActors.Compute.Sweeps;
using InterpActors.Compute.Tasks;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Work;
using static TorchSharp.torch;

namespace InterpActors.Compute.Methods.HeadMetrics;

/// <summary>One head-metrics study with its keys read.</summary>
/// <param name="causal">Which focus the answer quotes.</param>
public sealed class HeadMetricsMethod(StudyContext study, SweepGrid grid, string error, int top, bool causal) : SweepMethod(study, grid)
{
    protected override EngineKind Engine => EngineKind.Ablation;

    protected override string Spoken => "head metrics";

    public override SweepScoring Scoring { get; } = new(null, "zero", BaseIsCorrupted: false, ToOtherRun: false, NeedsDenominator: false);

    public override string MetricName => error;

    /// <summary>Deviations are read as errors; as a share of a clean error near 0 they would say little.</summary>
    public override string Quantity => "effect";

    protected override IReadOnlyCollection<Component> Reads => [Component.Z, Component.Pattern];

    protected override long ArtifactBytes => 8 * Grid.Cells * Study.PromptCount;

    public override MethodView View { get; } = new(
        "Head metrics (DARTS-GT)",
        $"Each head's output is zeroed in turn. Its deviation is how much the error ({MetricWords.Spoken(error)}) rises: "
            + "above 0 the head helps, below 0 it harms. Specialisation says how unevenly heads matter for a prompt, "
            + "focus whether the heads that matter most look at the same positions.",
        "deviation = error without the head − error; specialisation = population standard deviation over heads; "
            + $"focus = mean pairwise Jaccard of the {top} top heads' important positions "
            + "(max(1, T div 10) largest column sums of attention)",
        "DARTS-GT, arXiv:2510.14336");

    /// <inheritdoc/>
    protected override MetricReader MakeMetric(TaskData task, Func<int, double[]> cleanLogProbabilities) =>
        ErrorMetrics.Create(error, task, cleanLogProbabilities);

    /// <inheritdoc/>
    protected override Edit MakeEdit(StudySession session, PromptShard shard, Site site, int prompt, int[] positions) =>
        new(site, positions, zeros([1, 1], session.Context.Model.Type).expand(positions.Length, session.Context.Model.Config.HeadWidth));

    /// <summary>
    /// The important positions of each cell's head in each prompt: plain, then causal, each [count of the prompt] as i32.
    /// </summary>
    protected override byte[] Extra(PromptShard shard, IReadOnlyList<SweepCell> cells)
    {
        var bytes = new byte[4 * 2 * cells.Count * shard.Prompts.Sum(p => ReceivedAttention.Count(p.Clean.Length))];
        var at = 0;
        foreach (var cell in cells)
            for (var p = 0; p < shard.Prompts.Count; p++)
            {
                using var scope = TorchSharp.torch.NewDisposeScope();
                var site = cell.Sites[0];
                var pattern = shard.Clean.Activation(Component.Pattern, site.Layer, p)[site.Head!.Value];
                var (plain, causalOnes) = ReceivedAttention.Positions(pattern);
                foreach (var position in plain.Concat(causalOnes))
                {
                    BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at), position);
                    at += 4;
                }
            }
        return bytes;
    }

    /// <inheritdoc/>
    protected override StudyResult Finish(StudyResult result, SweepFold fold)
    {
        var heads = Grid.Blocks.SelectMany(b => b.Heads.Select(h => (b.Layer, Head: h!.Value))).ToArray();
        var cells = fold.Cells().ToDictionary(c => (c.Cell.Sites[0].Layer, Head: c.Cell.Sites[0].Head!.Value));
        if (cells.Count == 0) return result;
        var table = HeadTable.Of(Study, heads, [.. heads.Select(h => cells.GetValueOrDefault(h)?.Effects)], Important(fold), top);
        var specialisation = table.Median(r => r.Specialisation);
        var focus = table.Median(r => causal ? r.FocusCausal : r.Focus);
        return result with
        {
            Answer = result.Answer + FormattableString.Invariant($" Median specialisation {specialisation:G3}, median focus {focus:G3}")
                + (causal ? " (causal)." : "."),
            Tables = [.. result.Tables, table.Csv()],
            Artifacts = [.. result.Artifacts, new ExtraArtifact("head-metrics.safetensors", Deviations(cells))],
        };
    }

    /// <inheritdoc/>
    public override string Sentence(FoldedCell cell, string where) =>
        $"Without {where} the error ({MetricWords.Spoken(error)}) {(cell.Row.Effect > 0 ? "rises" : "falls")} by "
            + FormattableString.Invariant($"{Math.Abs(cell.Row.Effect!.Value):0.###}");

    /// <inheritdoc/>
    public override string Size(CellRow row) => FormattableString.Invariant($"{row.Effect:+0.###;-0.###;0}");

    private Dictionary<(int Layer, int Head, int Prompt), (int[] Plain, int[] Causal)> Important(SweepFold fold)
    {
        var sets = new Dictionary<(int, int, int), (int[], int[])>();
        foreach (var (unit, extra) in fold.Extras())
        {
            var at = 0;
            int[] Take(int count)
            {
                var values = new int[count];
                for (var i = 0; i < count; i++, at += 4) values[i] = BinaryPrimitives.ReadInt32LittleEndian(extra.AsSpan(at));
                return values;
            }
            for (var c = 0; c < unit.Cells; c++)
            {
                var site = unit.Block![unit.FirstCell + c].Sites[0];
                for (var p = unit.FirstPrompt; p < unit.FirstPrompt + unit.Prompts; p++)
                {
                    var count = ReceivedAttention.Count(Study.Task.Prompts[p].Clean.Length);
                    sets[(site.Layer, site.Head!.Value, p)] = (Take(count), Take(count));
                }
            }
        }
        return sets;
    }

    /// <summary>A safetensors file with <c>deviation</c> [layer, head, prompt]; NaN where a unit failed or a head was left out.</summary>
    private byte[] Deviations(Dictionary<(int Layer, int Head), FoldedCell> cells)
    {
        using var scope = NewDisposeScope();
        var config = Study.Model.Config;
        var values = new double[config.Layers * config.Heads * Study.PromptCount];
        Array.Fill(values, double.NaN);
        foreach (var ((layer, head), cell) in cells) cell.Effects.CopyTo(values, (layer * config.Heads + head) * Study.PromptCount);
        return SafetensorsWriter.ToBytes([("deviation", tensor(values, config.Layers, config.Heads, Study.PromptCount))]);
    }
}
