using InterpActors.Compute.Interventions;
using InterpActors.Compute.Metrics;
using InterpActors.Compute.Tasks;

namespace InterpActors.Compute.Studies;

/// <summary>
/// A contiguous range of a task's prompts with its base runs. Prompt indices of base runs, metric and readings count from the range's
/// start. Thread-safe, disposed by its session.
/// </summary>
public sealed class PromptShard : IDisposable
{
    /// <param name="metric">Makes a metric's reader from the shard's prompts and its clean log-probabilities.</param>
    internal PromptShard(InterventionEngine engine, StudyContext study, int first, int count, IReadOnlyCollection<Component> reads,
        MetricMaker metric)
    {
        First = first;
        Task = study.Task with { Prompts = [.. study.Task.Prompts.Skip(first).Take(count)] };
        var answers = study.Metric.Positions(Task);
        Clean = engine.RunBase([.. Prompts.Select(p => p.Clean)], answers, reads);
        if (study.HasCorrupted) Corrupted = engine.RunBase([.. Prompts.Select(p => p.Corrupted!)], answers, reads);
        var logs = new Lazy<double[][]>(CleanLogProbabilities);
        Metric = metric(Task, p => logs.Value[p]);
        CleanMetric = Clean.Readings(Metric);
        CorruptedMetric = Corrupted?.Readings(Metric);
    }

    /// <summary>Index of the first prompt in the task.</summary>
    public int First { get; }

    /// <summary>The task with only the shard's prompts.</summary>
    public TaskData Task { get; }

    public IReadOnlyList<PromptPair> Prompts => Task.Prompts;
    public BaseRun Clean { get; }
    public BaseRun? Corrupted { get; }
    public MetricReader Metric { get; }

    /// <summary>The metric of each prompt's clean run.</summary>
    public double[] CleanMetric { get; }

    public double[]? CorruptedMetric { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Clean.Dispose();
        Corrupted?.Dispose();
    }

    private double[][] CleanLogProbabilities()
    {
        var kept = new double[Prompts.Count][];
        // One prompt at a time: a reader's index may differ from call to call, the clean run's prompts do not.
        Clean.Readings(new LogProbabilityRecorder(kept));
        return kept;
    }
}

/// <summary>Makes the metric reader of a shard.</summary>
/// <param name="cleanLogProbabilities">[d_vocab] of a prompt's clean run.</param>
public delegate MetricReader MetricMaker(TaskData shard, Func<int, double[]> cleanLogProbabilities);
