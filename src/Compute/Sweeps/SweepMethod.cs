using InterpActors.Compute.Interventions;
using InterpActors.Compute.Metrics;
using InterpActors.Compute.Reports;
using InterpActors.Compute.Statistics;
using InterpActors.Compute.Studies;
using InterpActors.Compute.Tasks;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Compute.Sweeps;

/// <summary>
/// A method that overwrites one place of the forward pass after another and reads the metric each time. A derived class says what is
/// written where; planning, running and reducing are here.
/// </summary>
public abstract class SweepMethod(StudyContext study, SweepGrid grid) : IStudyMethod
{
    protected StudyContext Study { get; } = study;

    public SweepGrid Grid { get; } = grid;

    /// <summary>Which engine actor computes the cells.</summary>
    protected abstract EngineKind Engine { get; }

    /// <summary>For the headline: <c>denoising</c>, <c>zero ablation</c>.</summary>
    protected abstract string Spoken { get; }

    /// <summary>The columns and the ratio of the result.</summary>
    public abstract SweepScoring Scoring { get; }

    public abstract MethodView View { get; }

    /// <summary>Components whose base activations <see cref="MakeEdit"/> reads.</summary>
    protected abstract IReadOnlyCollection<Component> Reads { get; }

    /// <summary>What is written at a site of a prompt.</summary>
    /// <param name="prompt">Index within the shard.</param>
    /// <param name="positions">Ascending.</param>
    protected abstract Edit MakeEdit(StudySession session, PromptShard shard, Site site, int prompt, int[] positions);

    /// <summary>The strongest cell in a sentence without its full stop.</summary>
    /// <param name="where">The cell in words.</param>
    public abstract string Sentence(FoldedCell cell, string where);

    /// <summary>How strong a cell is, in a word.</summary>
    public virtual string Size(CellRow row) =>
        row.Score is { } score
            ? Math.Abs(score) >= 0.1 ? FormattableString.Invariant($"{score * 100:+0;-0} %")
                : FormattableString.Invariant($"{score * 100:+0.#;-0.#;0} %")
            : FormattableString.Invariant($"{row.Effect:+0.###;-0.###;0}");

    /// <summary>What the maps show first: <c>score</c> (where scores can be formed) or <c>effect</c>.</summary>
    public virtual string Quantity => "score";

    /// <summary>The metric column's word.</summary>
    public virtual string MetricName => Study.Metric.Kind;

    /// <summary>Makes the reader of the metric for a shard.</summary>
    protected virtual MetricReader MakeMetric(TaskData task, Func<int, double[]> cleanLogProbabilities) =>
        MetricReaders.Create(Study.Metric.Kind, task, cleanLogProbabilities);

    /// <summary>False where the inputs up to the place are equal, so that an intervention rightly changes nothing.</summary>
    public virtual bool MayChange(SweepCell cell, PromptPair prompt) => true;

    /// <summary>True where an intervention that changes nothing is a fault of the program or of the files.</summary>
    protected virtual bool MustChange(SweepCell cell, PromptPair prompt) => false;

    /// <summary>Further results of a unit's cells, in the method's own format.</summary>
    protected virtual byte[] Extra(PromptShard shard, IReadOnlyList<SweepCell> cells) => [];

    /// <summary>Bytes of artefacts that <see cref="Finish"/> will add.</summary>
    protected virtual long ArtifactBytes => 0;

    /// <summary>Adds the method's own tables, artefacts and words to a folded result.</summary>
    protected virtual StudyResult Finish(StudyResult result, SweepFold fold) => result;

    /// <inheritdoc/>
    public IStudyPlan Plan(Study study)
    {
        var config = Study.Model.Config;
        string[] parts =
        [
            $"{config.Name} ({Count(config.Layers, "layer")}, {Count(config.Heads, "head")})",
            Count(Study.PromptCount, Study.HasCorrupted ? "pair" : "prompt"), Spoken, MetricWords.Spoken(MetricName),
        ];
        return new SweepPlan(study, Study, Grid, Engine, string.Join(" · ", parts), ArtifactBytes);
    }

    /// <inheritdoc/>
    public virtual void Verify(StudySession session)
    {
        var shards = new SweepCost(Study).Shards;
        var denominators = new List<double>();
        var scale = 0.0;
        for (var s = 0; s < shards.Count; s++)
        {
            using var lease = Shard(session, s, shards[s].First, shards[s].Count);
            var shard = lease.Value;
            for (var p = 0; p < shard.Prompts.Count; p++)
                if (!double.IsFinite(shard.CleanMetric[p]) || (shard.CorruptedMetric is { } corrupted && !double.IsFinite(corrupted[p])))
                    throw new StudyException($"the {MetricWords.Spoken(MetricName)} of prompt {shard.Prompts[p].Id} is not a finite number",
                        Study.Model.Path, "are there NaN or infinite weights in the model?");
            denominators.AddRange(Scoring.Denominators(shard.CleanMetric, shard.CorruptedMetric));
            scale += Scoring.Scales(shard.CleanMetric, shard.CorruptedMetric).Sum();
            // A task of several shards is large: what the first shard shows must do.
            if (Scoring.Refusal(denominators, scale / denominators.Count, Study.Model, exact: true) is null) return;
        }
        if (Scoring.NeedsDenominator && Scoring.Refusal(denominators, scale / denominators.Count, Study.Model, exact: true) is { } refusal)
            throw new StudyException($"no score can be formed: {refusal}", "study.metric",
                "choose a metric that tells the clean runs from the corrupted ones, or other prompts");
    }

    /// <inheritdoc/>
    public BaselineMetric? Baselines(StudySession session)
    {
        if (new SweepCost(Study).Shards is not [var only]) return null;
        using var lease = Shard(session, 0, only.First, only.Count);
        return new BaselineMetric(MeanEstimate.Of(lease.Value.CleanMetric), lease.Value.CorruptedMetric is { } corrupted
            ? MeanEstimate.Of(corrupted) : null);
    }

    /// <inheritdoc/>
    public UnitOutput Run(StudySession session, IStudyPlan plan, WorkUnit unit, UnitContext context)
    {
        var work = ((SweepPlan)plan).Describe(unit.Ordinal);
        using var lease = Shard(session, work.Shard, work.FirstPrompt, work.Prompts);
        return work.Block is null
            ? new UnitOutput(Baseline(session, lease.Value).ToBytes(), null)
            : Cells(session, lease.Value, work, context);
    }

    /// <inheritdoc/>
    public StudyReduction Reduce(Reduction reduction)
    {
        var fold = new SweepFold(this, Study, (SweepPlan)reduction.Plan, reduction);
        var result = new SweepResult(this, Study, fold);
        return new StudyReduction(Finish(result.Make(reduction), fold), result.Failed);
    }

    /// <inheritdoc/>
    public IResultMaps Maps(IStudyPlan plan) => new SweepMaps(this, Study, (SweepPlan)plan);

    /// <summary>Visits every shard of the prompts in file order.</summary>
    protected void ForEachShard(StudySession session, Action<PromptShard> visit)
    {
        var shards = new SweepCost(Study).Shards;
        for (var s = 0; s < shards.Count; s++)
        {
            using var lease = Shard(session, s, shards[s].First, shards[s].Count);
            visit(lease.Value);
        }
    }

    private UnitOutput Cells(StudySession session, PromptShard shard, SweepUnit work, UnitContext context)
    {
        var cells = new SweepCell[work.Cells];
        var rows = new List<InterventionRow>(work.Cells * shard.Prompts.Count);
        for (var c = 0; c < cells.Length; c++)
        {
            var cell = cells[c] = work.Block![work.FirstCell + c];
            for (var p = 0; p < shard.Prompts.Count; p++)
            {
                var positions = cell.Place.Positions(shard.Prompts[p]);
                var prompt = p;
                rows.Add(new InterventionRow(p, [.. cell.Sites.Select(s => MakeEdit(session, shard, s, prompt, positions))]));
            }
        }
        var run = Scoring.BaseIsCorrupted ? shard.Corrupted! : shard.Clean;
        var readings = session.Engine.Evaluate(run, rows, shard.Metric, context.Cancellation, context.Progress);

        var n = shard.Prompts.Count;
        var results = new CellReading[cells.Length];
        for (var c = 0; c < cells.Length; c++)
        {
            var some = readings.AsSpan(c * n, n);
            var metric = new double[n];
            long changed = 0;
            var largest = 0.0;
            for (var p = 0; p < n; p++)
            {
                metric[p] = some[p].Metric;
                changed += some[p].ChangedElements;
                largest = Math.Max(largest, some[p].LargestChange);
                if (!double.IsFinite(metric[p]) || !double.IsFinite(largest))
                    throw new UnitException(UnitFailureKind.Permanent,
                        $"{cells[c].Label}, prompt {shard.Prompts[p].Id}: the {MetricWords.Spoken(MetricName)} is not a finite number");
            }
            if (changed == 0 && shard.Prompts.Any(p => MustChange(cells[c], p)))
                throw new UnitException(UnitFailureKind.Permanent,
                    $"{cells[c].Label}: the intervention changed nothing, although the tokens there differ");
            results[c] = new CellReading(changed, largest, metric);
        }
        return new UnitOutput(new SweepPayload(n, results, Extra(shard, cells)).ToBytes(), Preview(shard, cells, results));
    }

    private BaselinePayload Baseline(StudySession session, PromptShard shard)
    {
        var judge = shard.Prompts.All(p => p.Wrong.Length > 0 && p.Answers.Length > 0) ? new LogitDifference(shard.Prompts)
            : shard.Prompts.All(p => p.Answers.Length > 0) ? (MetricReader)new Accuracy(shard.Prompts) : null;
        var right = judge is null ? new bool[shard.Prompts.Count] : shard.Clean.Readings(judge).Select(v => v > 0).ToArray();
        return new BaselinePayload(session.Weights.Tensors().Sum(t => t.numel()), shard.CleanMetric, shard.CorruptedMetric, right);
    }

    private UnitPreview? Preview(PromptShard shard, SweepCell[] cells, CellReading[] results)
    {
        UnitPreview? best = null;
        for (var c = 0; c < cells.Length; c++)
        {
            var strength = Scoring.Preview(shard, results[c].Metric);
            if (double.IsFinite(strength) && (best is null || Math.Abs(strength) > Math.Abs(best.Score)))
                best = new UnitPreview(cells[c].Label, strength);
        }
        return best;
    }

    private LeaseCache<int, PromptShard>.Lease Shard(StudySession session, int index, int first, int count) =>
        session.Shard(index, first, count, Reads, MakeMetric);

    private static string Count(int n, string thing) =>
        $"{n.ToString("N0", System.Globalization.CultureInfo.InvariantCulture)} {thing}{(n == 1 ? "" : "s")}";
}
