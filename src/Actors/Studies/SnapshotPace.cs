namespace InterpActors.Actors.Studies;

/// <summary>
/// When a study's state is written whole: about a hundred times in a long study, so that neither its writing nor the events after it cost
/// much, and never while the last one is still being written.
/// </summary>
/// <param name="atLeast">Unit events between two snapshots, however short the study.</param>
public sealed class SnapshotPace(int atLeast)
{
    /// <summary>So many events are read back in about a second.</summary>
    private const int AtMost = 20_000;

    private const int SnapshotsOfAStudy = 100;

    private int _events;
    private bool _writing;

    /// <summary>Counts a unit event that was read back after the last snapshot.</summary>
    public void Recovered() => _events++;

    /// <summary>Counts a unit event of a study of so many units; true where a snapshot is to be written now.</summary>
    public bool IsDue(long units)
    {
        _events++;
        if (_writing || _events < Interval(units)) return false;
        Begun();
        return true;
    }

    /// <summary>A snapshot is on its way.</summary>
    public void Begun() => (_events, _writing) = (0, true);

    /// <summary>The snapshot was written, or could not be.</summary>
    public void Ended() => _writing = false;

    private long Interval(long units) => Math.Max(atLeast, Math.Min(AtMost, units / SnapshotsOfAStudy));
}
