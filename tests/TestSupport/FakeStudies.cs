using System.Collections.Concurrent;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.TestSupport;

/// <summary>A plan of layers with equally many units, two tracks, without a model.</summary>
public sealed class FakePlan : IStudyPlan
{
    private readonly int _perLayer;
    private readonly EngineKind[] _engines;

    public FakePlan(Study study, int layers, int perLayer, params EngineKind[] engines)
    {
        Study = study;
        _perLayer = perLayer;
        _engines = engines.Length == 0 ? [EngineKind.Patching, EngineKind.Ablation] : engines;
        Layers = [.. Enumerable.Range(0, layers).Select(l => new LayerUnits(l, (long)l * perLayer, perLayer))];
        UnitCount = (long)layers * perLayer;
        var odd = UnitCount / 2;
        Tracks = [new PlanTrack("even", UnitCount - odd, (UnitCount - odd) * 3), new PlanTrack("odd", odd, odd * 3)];
    }

    public Study Study { get; }
    public string Headline => "fake";
    public long UnitCount { get; }
    public long CellCount => UnitCount * 3;
    public IReadOnlyList<LayerUnits> Layers { get; }
    public IReadOnlyList<PlanTrack> Tracks { get; }
    public PlanEstimate Estimate => new(UnitCount, UnitCount, 0, 0);

    public WorkUnit this[long ordinal]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(ordinal);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(ordinal, UnitCount);
            var layer = (int)(ordinal / _perLayer);
            return new WorkUnit(Study.Id, ordinal, layer, (int)(ordinal % 2), _engines[ordinal % _engines.Length], 3, $"unit {ordinal}");
        }
    }
}

/// <summary>Studies and plans of any size.</summary>
public sealed class FakePlanner(int layers, int perLayer, params EngineKind[] engines) : IStudyPlanner
{
    public int Plans;

    public Exception? Failure { get; set; }

    public IStudyPlan Plan(Study study)
    {
        Interlocked.Increment(ref Plans);
        if (Failure is not null) throw Failure;
        return new FakePlan(study, layers, perLayer, engines);
    }

    public static Study Study(string name = "fake", string salt = "") =>
        new(StudyId.From(name, "{}" + salt), name, "fake", "{}", "study { }", "/", new ExecutionSettings(1, "auto"));
}

/// <summary>A runner whose payload is a function of the unit, as a real one's is.</summary>
public sealed class FakeRunner : IUnitRunner
{
    public ConcurrentQueue<long> Computed { get; } = new();

    /// <summary>What a unit does before its result; may throw or block.</summary>
    public Action<WorkUnit, UnitContext>? Work { get; set; }

    public UnitOutput Run(Study study, WorkUnit unit, UnitContext context)
    {
        Work?.Invoke(unit, context);
        Computed.Enqueue(unit.Ordinal);
        return new UnitOutput(Payload(unit.Ordinal), new UnitPreview(unit.Label, unit.Ordinal % 100 / 100.0));
    }

    public static byte[] Payload(long ordinal) => BitConverter.GetBytes(ordinal * 7919);

    public void Dispose()
    {
    }
}
