using System.Diagnostics;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Display;

/// <summary>Plain lines for logs and pipes: one at the start, one every ten seconds, one at the end. Quiet: only the last.</summary>
public sealed class PlainDisplay(TextWriter output, bool quiet) : IRunDisplay
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(10);

    public void Say(string line)
    {
        if (!quiet) Write(line);
    }

    public void Conclude(string line) => Write(line);

    public async Task WhileAsync(RunScene scene, Func<Action<StudyProgress>, Task> body)
    {
        Say($"{scene.Name} · {scene.Headline}");
        if (scene.Baselines is not null) Say(scene.Baselines);
        var clock = Stopwatch.StartNew();
        var meter = new ProgressMeter();
        TimeSpan? shown = null;
        var warned = 0;
        StudyProgress? last = null;
        await body(progress =>
        {
            meter.Observe(progress, clock.Elapsed);
            last = progress;
            foreach (var warning in (progress.Warnings ?? []).Skip(warned)) Say($"warning: {warning}");
            warned = progress.Warnings?.Count ?? 0;
            if (shown is { } at && clock.Elapsed - at < Every) return;
            if (shown is null && ProgressText.Resumed(progress) is { } resumed) Say(resumed);
            if (shown is not null || progress.Committed < progress.Planned) Say(ProgressText.Line(progress, meter));
            foreach (var unit in progress.Running.Where(ProgressText.Speaks).Take(8)) Say($"  {unit}");
            shown = clock.Elapsed;
        });
        if (last is not null) Say(ProgressText.Line(last, meter));
    }

    private void Write(string line)
    {
        output.WriteLine(line);
        output.Flush();
    }
}
