using InterpActors.Compute.Reports;
using InterpActors.Compute.Statistics;
using InterpActors.Compute.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Compute.Sweeps;

/// <summary>A cell of a finished sweep over all prompts.</summary>
/// <param name="Effects">Patched minus base of each prompt, in file order.</param>
/// <param name="Changed">Activation elements that the intervention changed, over all prompts.</param>
/// <param name="Largest">The largest absolute change of one element.</param>
/// <param name="MayChange">False where equal inputs make it right that nothing changed.</param>
public sealed record FoldedCell(SweepCell Cell, double[] Effects, long Changed, double Largest, bool MayChange, CellRow Row);

/// <summary>
/// The payloads of a sweep, put together in plan order. Cells of which a shard is missing (its unit failed), and all cells where the
/// baselines are missing, are left out.
/// </summary>
public sealed class SweepFold
{
    // Beyond this many numbers the report would be larger than it is useful.
    private const long PerPromptLimit = 400_000;

    private readonly SweepMethod _method;
    private readonly StudyContext _study;
    private readonly Reduction _reduction;

    internal SweepFold(SweepMethod method, StudyContext study, SweepPlan plan, Reduction reduction)
    {
        (_method, _study, Plan, _reduction) = (method, study, plan, reduction);
        Clean = new double[study.PromptCount];
        Corrupted = study.HasCorrupted ? new double[study.PromptCount] : null;
        Right = new bool[study.PromptCount];
        HasBaselines = ReadBaselines();
        if (!HasBaselines) return;
        ScoreRefusal = method.Scoring.Refusal(Denominators, Scale, study.Model);
        Means = (MeanEstimate.MeanOf(Clean), Corrupted is null ? null : MeanEstimate.MeanOf(Corrupted), MeanEstimate.MeanOf(Denominators));
    }

    public SweepPlan Plan { get; }

    /// <summary>The metric of each prompt's clean run.</summary>
    public double[] Clean { get; }

    /// <summary>The metric of each prompt's corrupted run; null where there is none.</summary>
    public double[]? Corrupted { get; }

    /// <summary>Where the clean run gives the right answer.</summary>
    public bool[] Right { get; }

    /// <summary>Number of the model's parameters; 0 where the baselines are missing.</summary>
    public long Parameters { get; private set; }

    public bool HasBaselines { get; }

    /// <summary>Why scores are empty; null where they are not.</summary>
    public string? ScoreRefusal { get; }

    /// <summary>What scores divide by, per prompt.</summary>
    public double[] Denominators => _method.Scoring.Denominators(Clean, Corrupted);

    private (double Clean, double? Corrupted, double Denominator) Means { get; }

    private double Scale => _method.Scoring.Scales(Clean, Corrupted).Average();

    /// <summary>Every cell whose units are all there, in plan order.</summary>
    public IEnumerable<FoldedCell> Cells()
    {
        for (var b = 0; b < Plan.Blocks.Count; b++)
            foreach (var (_, cell) in Cells(b, 0, Plan.Blocks[b].Cells)) yield return cell;
    }

    /// <summary>Those of <paramref name="count"/> cells of a block whose units are all there, with their index within the block.</summary>
    public IEnumerable<(long Index, FoldedCell Cell)> Cells(int block, long first, long count)
    {
        if (!HasBaselines) yield break;
        var open = new OpenPayload[Plan.Shards.Count];
        for (var c = first; c < first + count; c++)
            if (Gather(block, c, open) is { } read) yield return (c, Fold(Plan.Blocks[block][c], read));
    }

    private FoldedCell Fold(SweepCell cell, CellReading read)
    {
        var (n, scoring) = (_study.PromptCount, _method.Scoring);
        var (cleanMean, corruptedMean, denominator) = Means;
        var baseMetric = scoring.Base(Clean, Corrupted);
        var effects = new double[n];
        for (var p = 0; p < n; p++) effects[p] = read.Metric[p] - baseMetric[p];
        var effect = MeanEstimate.Of(effects);
        var single = cell.Sites.Count == 1;
        var row = new CellRow(cell.Hook, cell.Layer, single ? cell.Sites[0].Head : null, cell.Place.Position, cell.Place.Role,
            scoring.Direction, scoring.ValueOf(cell), _method.MetricName, n, cleanMean, corruptedMean, MeanEstimate.MeanOf(read.Metric),
            effect.Mean, effect.StandardError, ScoreRefusal is null ? effect.Mean / denominator : null,
            Plan.CellCount * n <= PerPromptLimit ? effects : null)
        {
            Latent = single ? cell.Sites[0].Latent?.Index : null,
            Heads = single ? null : string.Join(' ', cell.Sites.Where(s => s.Head is not null).Select(s => s.Head!.Value)),
            Together = cell.Together,
        };
        return new FoldedCell(cell, effects, read.Changed, read.Largest, _study.Task.Prompts.Any(p => _method.MayChange(cell, p)), row);
    }

    /// <summary>What each computed unit said beside its cells, in plan order.</summary>
    public IEnumerable<(SweepUnit Unit, byte[] Extra)> Extras()
    {
        for (long ordinal = Plan.Shards.Count; ordinal < Plan.UnitCount; ordinal++)
            if (_reduction.Payloads(ordinal) is { } bytes) yield return (Plan.Describe(ordinal), SweepPayload.Parse(bytes).Extra);
    }

    private bool ReadBaselines()
    {
        for (var s = 0; s < Plan.Shards.Count; s++)
        {
            if (_reduction.Payloads(s) is not { } bytes) return false;
            var baseline = BaselinePayload.Parse(bytes);
            baseline.Clean.CopyTo(Clean, Plan.Shards[s].First);
            baseline.Corrupted?.CopyTo(Corrupted!, Plan.Shards[s].First);
            baseline.Right.CopyTo(Right, Plan.Shards[s].First);
            Parameters = baseline.Parameters;
        }
        return true;
    }

    private CellReading? Gather(int block, long cell, OpenPayload[] open)
    {
        var metric = new double[_study.PromptCount];
        long changed = 0;
        var largest = 0.0;
        for (var s = 0; s < Plan.Shards.Count; s++)
        {
            var (ordinal, index) = Plan.Find(block, cell, s);
            if (open[s].Ordinal != ordinal)
                open[s] = new OpenPayload(ordinal, _reduction.Payloads(ordinal) is { } bytes ? SweepPayload.Parse(bytes) : null);
            if (open[s].Payload is not { } payload) return null;
            var reading = payload.Cells[index];
            reading.Metric.CopyTo(metric, Plan.Shards[s].First);
            changed += reading.Changed;
            largest = Math.Max(largest, reading.Largest);
        }
        return new CellReading(changed, largest, metric);
    }

    // Ordinal 0 is a baseline unit, so that an empty slot never passes for a cell's unit.
    private readonly record struct OpenPayload(long Ordinal, SweepPayload? Payload);
}
