using System.Diagnostics;
using InterpActors.Messages.Studies;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace InterpActors.Host.Display;

/// <summary>
/// The terminal's display: headline, baselines, a bar per component, layers, rate, time left, what runs now, the best cell.
/// </summary>
public sealed class TerminalDisplay(IAnsiConsole console) : IRunDisplay
{
    private const int BarWidth = 28;
    private const int ShownWarnings = 4;

    public void Say(string line) => console.WriteLine(line);

    public void Conclude(string line) => console.WriteLine(line);

    public async Task WhileAsync(RunScene scene, Func<Action<StudyProgress>, Task> body)
    {
        var clock = Stopwatch.StartNew();
        var meter = new ProgressMeter();
        await console.Live(Line($"{scene.Name} · {scene.Headline}")).AutoClear(false).Overflow(VerticalOverflow.Crop)
            .StartAsync(async live =>
        {
            live.Refresh();
            await body(progress =>
            {
                meter.Observe(progress, clock.Elapsed);
                live.UpdateTarget(Draw(scene, progress, meter, clock.Elapsed));
            });
        });
    }

    internal static IRenderable Draw(RunScene scene, StudyProgress progress, ProgressMeter meter, TimeSpan elapsed)
    {
        var lines = new List<IRenderable>
        {
            Line($"{scene.Name} · {scene.Headline}", "bold"),
            Line($"{(scene.Baselines is { } b ? b + "   " : "")}{scene.Where}", "grey"),
        };
        var tracks = progress.Tracks.Where(t => t.Cells > 0).ToList();
        var width = tracks.Select(t => t.Name.Length).DefaultIfEmpty().Max();
        foreach (var track in tracks)
        {
            var fraction = ProgressMeter.Fraction(track);
            var full = (int)Math.Round(fraction * BarWidth);
            lines.Add(new Markup($"{Markup.Escape(track.Name.PadRight(width))}  "
                + $"[green]{new string('█', full)}[/][grey]{new string('░', BarWidth - full)}[/]  {ProgressText.Percent(fraction)}  "
                + $"[grey]{ProgressText.Count(track.CommittedCells)} of {ProgressText.Count(track.Cells)} cells[/]")
            { Overflow = Overflow.Crop });
        }
        lines.Add(Line(Totals(progress, meter, elapsed)));
        var best = ProgressText.Best(progress);
        if (progress.Layers.Count > 1 || best is not null) lines.Add(Line($"{ProgressMeter.Spark(progress)} {best}"));
        if (progress.Running.Count > 0) lines.Add(Line($"now: {string.Join(", ", progress.Running.Take(4))}", "grey"));
        foreach (var warning in (progress.Warnings ?? []).TakeLast(ShownWarnings)) lines.Add(Line($"warning: {warning}", "yellow"));
        if (ProgressText.Resumed(progress) is { } resumed) lines.Add(Line(resumed, "grey"));
        return new Rows(lines);
    }

    private static string Totals(StudyProgress progress, ProgressMeter meter, TimeSpan elapsed)
    {
        var (done, layers) = ProgressMeter.Layers(progress);
        var parts = new List<string>();
        if (layers > 0) parts.Add($"layers {done}/{layers}");
        parts.Add($"{ProgressText.Count(meter.Done)} cells");
        if (meter.CellsPerSecond is { } rate) parts.Add($"{ProgressText.Rate(rate)} cells/s");
        parts.Add(meter.Left is { } left && progress.Committed < progress.Planned
            ? $"{ProgressMeter.Clock(left)} left" : $"{ProgressMeter.Clock(elapsed)} so far");
        if (progress.State == RunState.Paused) parts.Add("paused");
        if (progress.Workers > 0) parts.Add(ProgressText.Workers(progress.Workers));
        if (progress.Failed > 0) parts.Add($"{ProgressText.Count(progress.Failed)} units failed");
        return string.Join("   ", parts);
    }

    private static Markup Line(string text, string? style = null) =>
        new(style is null ? Markup.Escape(text) : $"[{style}]{Markup.Escape(text)}[/]") { Overflow = Overflow.Crop };
}
