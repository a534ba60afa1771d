using System.Collections.Concurrent;
using InterpActors.Compute.Interventions;
using InterpActors.Compute.Models;
using InterpActors.Messages.Studies;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Studies;

/// <summary>
/// What all units of a study share in one process on one device: weights, engine, base runs of the prompts, and values that a method
/// derives from them once. Thread-safe.
/// </summary>
public sealed class StudySession : IDisposable
{
    private readonly LeaseCache<WeightsKey, ModelWeights>.Lease? _weights;
    private readonly InterventionEngine? _engine;
    private readonly IDisposable _files;
    private readonly LeaseCache<int, PromptShard> _shards;
    private readonly ConcurrentDictionary<object, Lazy<object>> _derived = new();

    internal StudySession(Study study, OpenedStudy opened, LeaseCache<WeightsKey, ModelWeights> weights, IDisposable files, Device? device)
    {
        Device = device ?? torch.CPU;
        _files = files;
        Study = study;
        Context = opened.Context;
        _shards = new LeaseCache<int, PromptShard>(ShardsKept(Device, Context.ShardBytes));
        if (Context.GivenModel is not { } model) return;
        _weights = weights.Take(new WeightsKey(model.Sha256, model.Dtype, model.ProcessingWord),
            () => ModelLoader.LoadWeights(model.Location, model.Type, model.Processing));
        _engine = new InterventionEngine(_weights.Value, MatmulRoutes.Parse(study.Execution.Matmul), device);
    }

    public Study Study { get; }

    /// <summary>
    /// What the units of this session compute on. <see cref="Engine"/> does; a method's own tensors have to be put there.
    /// </summary>
    public Device Device { get; }

    public StudyContext Context { get; }

    /// <exception cref="InvalidOperationException">The study has no model.</exception>
    public InterventionEngine Engine => _engine ?? throw new InvalidOperationException($"study {Context.Name} has no model");

    /// <exception cref="InvalidOperationException">The study has no model.</exception>
    public ModelWeights Weights => (_weights ?? throw new InvalidOperationException($"study {Context.Name} has no model")).Value;

    /// <summary>Makes the calling thread compute as the study's settings say; torch keeps thread counts per thread.</summary>
    public void Enter()
    {
        if (torch.get_num_threads() != Study.Execution.Threads) torch.set_num_threads(Study.Execution.Threads);
    }

    /// <summary>A shard of the prompts with its base runs.</summary>
    /// <param name="reads">Components whose activations the method will read.</param>
    internal LeaseCache<int, PromptShard>.Lease Shard(
        int index, int first, int count, IReadOnlyCollection<Component> reads, MetricMaker metric) =>
        _shards.Take(index, () => new PromptShard(Engine, Context, first, count, reads, metric));

    /// <summary>A value computed once for the session, e.g. the mean activation at a hook. Disposed with it.</summary>
    public T Derived<T>(object key, Func<T> make) where T : class
    {
        // A failed making must not poison the key for later tries.
        try
        {
            return (T)_derived.GetOrAdd(key, _ => new Lazy<object>(make)).Value;
        }
        catch
        {
            _derived.TryRemove(key, out _);
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _shards.Dispose();
        foreach (var value in _derived.Values)
            if (value.IsValueCreated) (value.Value as IDisposable)?.Dispose();
        _engine?.Dispose();
        _weights?.Dispose();
        _files.Dispose();
    }

    /// <summary>
    /// How many prompt shards' base runs stay in memory; small tasks have one shard. Units go block by block, so that each block asks for
    /// every shard: those that do not stay are run again for each block. A quarter of this machine's memory, but two at least.
    /// </summary>
    private static int ShardsKept(Device device, long shardBytes) => device.type == DeviceType.CPU
        ? (int)Math.Clamp(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4 / Math.Max(1, shardBytes), 2, 64)
        : 2;
}

/// <summary>What makes two sets of loaded weights the same.</summary>
internal sealed record WeightsKey(string Sha256, string Dtype, string Processing);
