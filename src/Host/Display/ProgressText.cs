using System.Globalization;
using InterpActors.Compute.Statistics;
using InterpActors.Compute.Studies;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Host.Display;

/// <summary>Words and numbers of a run's progress, shared by the live and the plain display.</summary>
public static class ProgressText
{
    /// <summary>One plain line for logs.</summary>
    public static string Line(StudyProgress progress, ProgressMeter meter)
    {
        var (done, layers) = ProgressMeter.Layers(progress);
        var parts = new List<string>
        {
            Percent(ProgressMeter.Fraction(progress)),
            $"{Count(progress.Committed)} of {Count(progress.Planned)} units",
            $"{Count(meter.Done)} of {Count(meter.Total)} cells",
        };
        if (layers > 0) parts.Add($"layers {done}/{layers}");
        if (meter.CellsPerSecond is { } rate) parts.Add($"{Rate(rate)} cells/s");
        if (meter.Left is { } left && progress.Committed < progress.Planned) parts.Add($"{ProgressMeter.Clock(left)} left");
        if (progress.State == RunState.Paused) parts.Add("paused");
        if (progress.Workers > 0) parts.Add(Workers(progress.Workers));
        if (progress.Failed > 0) parts.Add($"{Count(progress.Failed)} units failed");
        if (Best(progress) is { } best) parts.Add(best);
        return string.Join("  ", parts);
    }

    /// <summary>True for a running unit that says how it is doing, not only what it is called.</summary>
    public static bool Speaks(string running) => running.Contains(": ", StringComparison.Ordinal);

    public static string? Best(StudyProgress progress) =>
        progress.Best.Count == 0 ? null : $"best so far: {Cell(progress.Best[0])}";

    /// <summary>A cell with its score.</summary>
    public static string Cell(UnitPreview cell) =>
        string.Create(CultureInfo.InvariantCulture, $"{cell.Label}  {cell.Score:+0.00;−0.00;0.00}");

    public static string? Resumed(StudyProgress progress) =>
        progress.Resumed == 0 ? null
            : $"resumed after an interruption: {Count(progress.Resumed)} unit{(progress.Resumed == 1 ? " was" : "s were")} already done";

    /// <summary><c>clean +5.12 ±0.41   corrupted −4.87 ±0.39   (n = 8)</c>; ± is half the 95 % interval.</summary>
    public static string? Baselines(BaselineMetric? metric)
    {
        if (metric is null) return null;
        return $"clean {Value(metric.Clean)}"
            + (metric.Corrupted is { } corrupted ? $"   corrupted {Value(corrupted)}" : "") + $"   (n = {Count(metric.Clean.N)})";

        static string Value(MeanEstimate e) =>
            string.Create(CultureInfo.InvariantCulture, $"{e.Mean:+0.00;−0.00;0.00} ±{e.HalfWidth():0.00}");
    }

    public static string Percent(double fraction) => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(100 * fraction),3:0} %");

    public static string Count(long n) => n.ToString("N0", CultureInfo.InvariantCulture);

    public static string Rate(double perSecond) => perSecond.ToString(perSecond >= 10 ? "N0" : "0.0", CultureInfo.InvariantCulture);

    public static string Workers(int n) => n == 1 ? "1 worker" : $"{n} workers";

    /// <summary>How long something took: <c>0.8 s</c>, <c>24 s</c>, <c>3 min 05 s</c>, <c>2 h 10 min</c>.</summary>
    public static string Took(TimeSpan time) => time.TotalSeconds switch
    {
        < 10 => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.0} s"),
        < 60 => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0} s"),
        < 3600 => string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalMinutes} min {time.Seconds:00} s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours} h {time.Minutes:00} min"),
    };
}
