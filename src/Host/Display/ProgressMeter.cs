using System.Globalization;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Display;

/// <summary>
/// Derives rate and time left from the snapshots of a run: cells per second over the last half minute, so that a resumed run does not
/// count what was done before.
/// </summary>
public sealed class ProgressMeter
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(30);
    private readonly Queue<(TimeSpan At, long Cells)> _seen = new();

    /// <summary>Takes a snapshot at a time since any fixed start.</summary>
    public void Observe(StudyProgress progress, TimeSpan at)
    {
        Done = progress.Tracks.Sum(t => t.CommittedCells);
        Total = progress.Tracks.Sum(t => t.Cells);
        _seen.Enqueue((at, Done));
        while (_seen.Count > 2 && at - _seen.Peek().At > Window) _seen.Dequeue();
        var (first, cells) = _seen.Peek();
        var seconds = (at - first).TotalSeconds;
        CellsPerSecond = seconds > 0.2 && Done > cells ? (Done - cells) / seconds : null;
    }

    /// <summary>Committed cells.</summary>
    public long Done { get; private set; }

    public long Total { get; private set; }

    /// <summary>Null until something was committed while watching.</summary>
    public double? CellsPerSecond { get; private set; }

    public TimeSpan? Left => CellsPerSecond is { } rate ? TimeSpan.FromSeconds(Math.Min((Total - Done) / rate, 8.64e8)) : null;

    /// <summary>Done fraction in [0, 1] of all cells, of units where a plan has no cells.</summary>
    public static double Fraction(StudyProgress progress)
    {
        var cells = progress.Tracks.Sum(t => t.Cells);
        return cells > 0 ? (double)progress.Tracks.Sum(t => t.CommittedCells) / cells : Ratio(progress.Committed, progress.Planned);
    }

    public static double Fraction(TrackProgress track) =>
        track.Cells > 0 ? Ratio(track.CommittedCells, track.Cells) : Ratio(track.Committed, track.Units);

    /// <summary>Layers of the model whose units are all done, and how many there are (the baseline's layer -1 is none).</summary>
    public static (int Done, int Count) Layers(StudyProgress progress)
    {
        var layers = progress.Layers.Where(l => l.Layer >= 0).ToList();
        return (layers.Count(l => l.Committed + l.Failed == l.Count), layers.Count);
    }

    /// <summary>A bar of eighths per layer, upward as it fills.</summary>
    public static string Spark(StudyProgress progress) =>
        string.Concat(progress.Layers.Where(l => l.Layer >= 0).Select(l => "▁▂▃▄▅▆▇█"[(int)(7 * Ratio(l.Committed + l.Failed, l.Count))]));

    /// <summary>d.hh:mm:ss without leading zeros, as in <c>0:00:24</c>.</summary>
    public static string Clock(TimeSpan time) =>
        string.Create(CultureInfo.InvariantCulture, $"{(long)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00}");

    private static double Ratio(long part, long whole) => whole <= 0 ? 1 : Math.Clamp((double)part / whole, 0, 1);
}
