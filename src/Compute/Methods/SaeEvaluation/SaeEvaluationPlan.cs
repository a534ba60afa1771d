using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Compute.Methods.SaeEvaluation;

/// <summary>The units of an evaluation: part after part.</summary>
internal sealed class SaeEvaluationPlan : IStudyPlan
{
    private readonly IReadOnlyList<EvaluationPart> _parts;
    private readonly long[] _first;
    private readonly int[] _trackOf;

    public SaeEvaluationPlan(Study study, IReadOnlyList<EvaluationPart> parts, string headline, double flopsPerForward, long memory)
    {
        (Study, _parts, Headline) = (study, parts, headline);
        _first = new long[parts.Count + 1];
        for (var i = 0; i < parts.Count; i++) _first[i + 1] = _first[i] + parts[i].Units;
        var names = parts.Select(p => p.Track).Distinct().ToArray();
        _trackOf = [.. parts.Select(p => Array.IndexOf(names, p.Track))];
        Tracks = [.. names.Select(n => parts.Where(p => p.Track == n).Sum(p => (long)p.Units))
            .Zip(names, (units, n) => new PlanTrack(n, units, units))];
        Layers = [new LayerUnits(-1, 0, UnitCount)];
        var forwards = parts.Sum(p => p.Forwards);
        Estimate = new PlanEstimate(forwards, forwards * flopsPerForward + parts.Sum(p => p.Flops), memory, 0);
    }

    public Study Study { get; }
    public string Headline { get; }
    public long UnitCount => _first[^1];
    public long CellCount => UnitCount;
    public IReadOnlyList<LayerUnits> Layers { get; }
    public IReadOnlyList<PlanTrack> Tracks { get; }
    public PlanEstimate Estimate { get; }

    /// <inheritdoc/>
    public WorkUnit this[long ordinal]
    {
        get
        {
            var index = PartOf(ordinal);
            var part = _parts[index];
            var of = part.Units == 1 ? "" : $" {ordinal - _first[index] + 1} of {part.Units}";
            return new WorkUnit(Study.Id, ordinal, -1, _trackOf[index], EngineKind.Ablation, 1, $"{part.Track}{of}, {part.Sae.Name}");
        }
    }

    /// <summary>What the unit at a place of the plan computes.</summary>
    public (EvaluationPart Part, int Unit) Describe(long ordinal)
    {
        var part = PartOf(ordinal);
        return (_parts[part], (int)(ordinal - _first[part]));
    }

    private int PartOf(long ordinal)
    {
        if (ordinal < 0 || ordinal >= UnitCount)
            throw new ArgumentOutOfRangeException(nameof(ordinal), ordinal, $"the plan has {UnitCount} units");
        var at = Array.BinarySearch(_first, ordinal);
        // Every part has units, so first ordinals are strictly ascending.
        return at >= 0 ? at : ~at - 1;
    }
}
