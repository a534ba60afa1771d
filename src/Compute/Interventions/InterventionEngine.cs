using System.Numerics;
using InterpActors.Compute.Interventions.Kernels;
using InterpActors.Compute.Metrics;
using InterpActors.Compute.Models;
using InterpActors.Messages.Work;
using static TorchSharp.torch;

namespace InterpActors.Compute.Interventions;

/// <summary>
/// Computes intervened forwards: every ablation, patching and head-metric cell comes from here. Only what differs from the base run and
/// can still reach the metric is computed. Stateless beside the weights; several threads may share it and a base run. A row's reading is
/// a pure function of weights, base run, the rows of the call, routes and torch threads.
/// </summary>
public sealed class InterventionEngine : IDisposable
{
    private readonly IEngineCore _core;

    /// <param name="weights">On the CPU.</param>
    /// <param name="matmul">The routes of linear layers on the CPU.</param>
    /// <param name="device">Where linear layers are computed; null for the CPU.</param>
    /// <exception cref="ArgumentException">The weights are neither fp32 nor fp64.</exception>
    public InterventionEngine(ModelWeights weights, MatmulRoutes matmul, Device? device = null)
    {
        Matmul = matmul;
        var linear = device is null ? null : new DeviceLinear(device);
        _core = weights.Type switch
        {
            ScalarType.Float32 => new EngineCore<float>(weights, matmul, linear),
            ScalarType.Float64 => new EngineCore<double>(weights, matmul, linear),
            _ => throw new ArgumentException($"the engine computes in fp32 or fp64, not {weights.Type}", nameof(weights)),
        };
    }

    public MatmulRoutes Matmul { get; }

    /// <summary>Floating-point operations of all linear layers so far, of base runs and rows.</summary>
    public long Operations => _core.Operations;

    /// <summary>Runs prompts without intervention and keeps what intervened rows of them start from.</summary>
    /// <param name="prompts">Token ids; lengths may differ. Runs of equally long prompts are composed alike: where their tokens agree up
    /// to a position, so do their activations, bit for bit.</param>
    /// <param name="answerPositions">Position in each prompt at which metrics are read.</param>
    /// <param name="keep">Components that will be read through <see cref="BaseRun.Activation"/>; others are derived when asked for.</param>
    /// <exception cref="Messages.Studies.StudyException">The model cannot take a prompt.</exception>
    /// <exception cref="UnitException">An activation is not finite.</exception>
    public BaseRun RunBase(IReadOnlyList<int[]> prompts, IReadOnlyList<int> answerPositions, IReadOnlyCollection<Component> keep)
    {
        if (prompts.Count == 0 || prompts.Count != answerPositions.Count)
            throw new ArgumentException("one answer position a prompt, and at least one prompt", nameof(answerPositions));
        for (var p = 0; p < prompts.Count; p++)
        {
            HookedTransformer.CheckPrompt(_core.Config, prompts[p], $"prompt {p}");
            if (answerPositions[p] < 0 || answerPositions[p] >= prompts[p].Length)
                throw new ArgumentException($"prompt {p} has no position {answerPositions[p]}", nameof(answerPositions));
        }
        using var _ = no_grad();
        return _core.RunBase(prompts, answerPositions, keep);
    }

    /// <summary>Runs prompts up to a component of a layer and no further.</summary>
    /// <param name="prompts">Token ids; lengths may differ.</param>
    /// <returns>[tokens of all prompts, width], of the caller's dispose scope. q and k are taken before rotary;
    /// heads are flattened.</returns>
    /// <exception cref="Messages.Studies.StudyException">The model cannot take a prompt.</exception>
    /// <exception cref="UnitException">An activation is not finite.</exception>
    /// <exception cref="ArgumentException">The model has no such component.</exception>
    public Tensor Activations(IReadOnlyList<int[]> prompts, Component component, int layer)
    {
        for (var p = 0; p < prompts.Count; p++) HookedTransformer.CheckPrompt(_core.Config, prompts[p], $"prompt {p}");
        using var _ = no_grad();
        return _core.Activations(prompts, component, layer);
    }

    /// <summary>Computes rows.</summary>
    /// <param name="progress">Called now and then with the done fraction in [0, 1].</param>
    /// <returns>A reading per row, in order.</returns>
    /// <exception cref="UnitException">An activation or a metric of a row is not finite; the message names the row.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ArgumentException">An edit does not fit its site: layer, head, positions, or shape and dtype of its
    /// values.</exception>
    public RowReading[] Evaluate(BaseRun baseRun, IReadOnlyList<InterventionRow> rows, MetricReader metric, CancellationToken ct,
        Action<double>? progress = null)
    {
        using var _ = no_grad();
        return _core.Evaluate(baseRun, rows, metric, ct, progress);
    }

    /// <inheritdoc/>
    public void Dispose() => _core.Dispose();
}

/// <summary>The engine in one dtype.</summary>
internal interface IEngineCore : IDisposable
{
    ModelConfig Config { get; }
    long Operations { get; }
    BaseRun RunBase(IReadOnlyList<int[]> prompts, IReadOnlyList<int> answerPositions, IReadOnlyCollection<Component> keep);
    Tensor Activations(IReadOnlyList<int[]> prompts, Component component, int layer);
    RowReading[] Evaluate(BaseRun run, IReadOnlyList<InterventionRow> rows, MetricReader metric, CancellationToken ct,
        Action<double>? progress);
}

/// <inheritdoc cref="IEngineCore"/>
internal sealed class EngineCore<T> : IEngineCore where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Rows run together up to so many tokens: enough for the matmul's full rate, few enough to stay in the caches.</summary>
    private const int ChunkTokens = 1024;

    private readonly BlockMath<T> _math;
    private readonly AnswerReader<T> _answers;
    private readonly BaseMath<T> _base;

    public EngineCore(ModelWeights weights, MatmulRoutes routes, DeviceLinear? device)
    {
        _math = new BlockMath<T>(weights, routes, device);
        _answers = new AnswerReader<T>(_math);
        _base = new BaseMath<T>(_math, _answers);
    }

    public ModelConfig Config => _math.Config;
    public long Operations => _math.Operations;

    public BaseRun RunBase(IReadOnlyList<int[]> prompts, IReadOnlyList<int> answerPositions, IReadOnlyCollection<Component> keep) =>
        _base.Run(prompts, answerPositions, keep);

    public Tensor Activations(IReadOnlyList<int[]> prompts, Component component, int layer) => _base.Activations(prompts, component, layer);

    public RowReading[] Evaluate(BaseRun run, IReadOnlyList<InterventionRow> rows, MetricReader metric, CancellationToken ct,
        Action<double>? progress)
    {
        using var scope = NewDisposeScope();
        var states = new RowState<T>[rows.Count];
        for (var r = 0; r < rows.Count; r++)
        {
            states[r] = new RowState<T>(r, rows[r], run, _math);
            states[r].Measure(run);
        }
        var readings = new RowReading?[rows.Count];
        var chunks = Chunks(states.Where(s => s.Tokens > 0)).ToList();
        for (var c = 0; c < chunks.Count; c++)
        {
            var at = c;
            Compute(run, chunks[c], metric, readings, ct, f => progress?.Invoke((at + f) / chunks.Count));
        }
        for (var r = 0; r < rows.Count; r++)
        {
            if (!double.IsFinite(states[r].Largest)) throw ChunkForward<T>.NotFinite(states[r], "in the values of its edits");
            readings[r] ??= new RowReading(run.SharedReadings(metric)[states[r].Prompt], states[r].Changed, states[r].Largest, false);
        }
        progress?.Invoke(1);
        return [.. readings.Select(r => r!.Value)];
    }

    private void Compute(BaseRun run, List<RowState<T>> rows, MetricReader metric, RowReading?[] readings, CancellationToken ct,
        Action<double> progress)
    {
        using var scope = NewDisposeScope();
        var last = new ChunkForward<T>(_math, run, rows, ct).Run(progress);
        if (last.Count == 0) return;
        RowState<T>[] reached = [.. Enumerable.Range(0, last.Count).Select(t => rows[last.RowOf(t)])];
        var values = _answers.Read(metric, [.. reached.Select(r => r.Prompt)], last.Pack(Config.ModelWidth, _math.Weights.Type),
            r => throw ChunkForward<T>.NotFinite(reached[r], "at its answer position"));
        for (var i = 0; i < reached.Length; i++)
            readings[reached[i].Index] = new RowReading(values[i], reached[i].Changed, reached[i].Largest, true);
    }

    private static IEnumerable<List<RowState<T>>> Chunks(IEnumerable<RowState<T>> rows)
    {
        var (chunk, tokens) = (new List<RowState<T>>(), 0);
        foreach (var row in rows)
        {
            if (chunk.Count > 0 && tokens + row.Tokens > ChunkTokens)
            {
                yield return chunk;
                (chunk, tokens) = ([], 0);
            }
            chunk.Add(row);
            tokens += row.Tokens;
        }
        if (chunk.Count > 0) yield return chunk;
    }

    /// <inheritdoc/>
    public void Dispose() => _math.Dispose();
}
