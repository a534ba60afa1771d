using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Studies;

/// <summary>Progress by layer and by track, kept up to date unit by unit so that a display may ask often.</summary>
public sealed class StudyTally
{
    private readonly IStudyPlan _plan;
    private readonly UnitBitmap _counted;
    private readonly long[] _layerCommitted;
    private readonly long[] _layerFailed;
    private readonly long[] _trackUnits;
    private readonly long[] _trackCells;

    /// <summary>Counts what is committed and given up already; asks the plan once per such unit.</summary>
    public StudyTally(IStudyPlan plan, UnitBitmap committed, UnitBitmap givenUp)
    {
        _plan = plan;
        _counted = new UnitBitmap(plan.UnitCount);
        _layerCommitted = new long[plan.Layers.Count];
        _layerFailed = new long[plan.Layers.Count];
        _trackUnits = new long[plan.Tracks.Count];
        _trackCells = new long[plan.Tracks.Count];
        CatchUp(committed, givenUp);
    }

    /// <summary>Counts units settled since the sets that this tally was made from.</summary>
    public void CatchUp(UnitBitmap committed, UnitBitmap givenUp)
    {
        foreach (var ordinal in committed.Members()) Committed(ordinal);
        foreach (var ordinal in givenUp.Members()) Failed(ordinal);
    }

    public void Committed(long ordinal)
    {
        if (!_counted.Add(ordinal)) return;
        var unit = _plan[ordinal];
        _layerCommitted[LayerIndex(_plan, ordinal)]++;
        _trackUnits[unit.Track]++;
        _trackCells[unit.Track] += unit.Cells;
    }

    public void Failed(long ordinal)
    {
        if (_counted.Add(ordinal)) _layerFailed[LayerIndex(_plan, ordinal)]++;
    }

    private LayerProgress[] Layers() =>
        [.. _plan.Layers.Select((l, i) => new LayerProgress(l.Layer, _layerCommitted[i], _layerFailed[i], l.Count))];

    private TrackProgress[] Tracks() =>
        [.. _plan.Tracks.Select((t, i) => new TrackProgress(t.Name, _trackUnits[i], t.Units, _trackCells[i], t.Cells))];

    public StudyReach Reached() => new(Layers(), Tracks());

    /// <summary>Index into the plan's layers of the one that owns a unit.</summary>
    public static int LayerIndex(IStudyPlan plan, long ordinal)
    {
        var (low, high) = (0, plan.Layers.Count - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (plan.Layers[middle].First <= ordinal) low = middle;
            else high = middle - 1;
        }
        return low;
    }
}
