using InterpActors.Host.Display;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using Spectre.Console;

namespace InterpActors.Host.Tests.Display;

public class DisplayTests
{
    private static readonly RunScene Scene =
        new("ioi-patching", "tr-ioi (2 layers) · 8 pairs", "journal runs/x/journal.db", "clean +5.12 ±0.41");

    private static StudyProgress Progress(long cells, long resumed = 0, RunState state = RunState.Running) => new(
        StudyId.From("x", "{}"), state, 40, cells / 10, 0, resumed,
        [new LayerProgress(-1, 1, 0, 1), new LayerProgress(0, 20, 0, 20), new LayerProgress(1, 5, 0, 20)],
        [new TrackProgress("resid_pre", cells / 20, 20, cells / 2, 200), new TrackProgress("z", cells / 20, 20, cells / 2, 200)],
        ["resid_pre layer 1"], [new UnitPreview("resid_pre 1 @ 9 [S2]", -0.934)], 2, null);

    [Fact]
    public void Rate_and_time_left_count_only_what_was_done_while_watching()
    {
        var meter = new ProgressMeter();
        meter.Observe(Progress(200, resumed: 20), TimeSpan.FromSeconds(1));
        Assert.Null(meter.CellsPerSecond);
        meter.Observe(Progress(300, resumed: 20), TimeSpan.FromSeconds(3));
        Assert.Equal(50, meter.CellsPerSecond!.Value, 9);
        Assert.Equal(TimeSpan.FromSeconds(2), meter.Left);
        Assert.Equal((1, 2), ProgressMeter.Layers(Progress(300)));
        Assert.Equal("█▂", ProgressMeter.Spark(Progress(300)));
    }

    [Fact]
    public async Task Redirected_output_is_plain_lines_at_start_and_end()
    {
        var output = new StringWriter();
        var display = new PlainDisplay(output, quiet: false);
        await display.WhileAsync(Scene, show =>
        {
            for (var cells = 200; cells <= 400; cells += 50) show(Progress(cells, resumed: 20));
            return Task.CompletedTask;
        });
        var lines = output.ToString().TrimEnd().Split('\n');
        Assert.Equal("ioi-patching · tr-ioi (2 layers) · 8 pairs", lines[0]);
        Assert.Equal("clean +5.12 ±0.41", lines[1]);
        Assert.Equal("resumed after an interruption: 20 units were already done", lines[2]);
        Assert.StartsWith(" 50 %  20 of 40 units  200 of 400 cells  layers 1/2", lines[3], StringComparison.Ordinal);
        Assert.StartsWith("100 %  40 of 40 units", lines[4], StringComparison.Ordinal);
        Assert.EndsWith("2 workers  best so far: resid_pre 1 @ 9 [S2]  −0.93", lines[4], StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', output.ToString());
    }

    [Fact]
    public async Task Quiet_shows_the_last_line_only()
    {
        var output = new StringWriter();
        var display = new PlainDisplay(output, quiet: true);
        display.Say("reading");
        await display.WhileAsync(Scene, show =>
        {
            show(Progress(400));
            return Task.CompletedTask;
        });
        display.Conclude("report: x");
        Assert.Equal("report: x", output.ToString().TrimEnd());
    }

    [Fact]
    public void The_terminal_shows_a_bar_per_component_and_fits_its_width()
    {
        var output = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Out = new AnsiConsoleOutput(output)
        });
        console.Profile.Width = 100;
        var meter = new ProgressMeter();
        meter.Observe(Progress(100), TimeSpan.Zero);
        meter.Observe(Progress(200, resumed: 3), TimeSpan.FromSeconds(2));
        console.Write(TerminalDisplay.Draw(Scene, Progress(200, resumed: 3), meter, TimeSpan.FromSeconds(2)));
        var text = output.ToString();
        Assert.Contains("resid_pre  ██████████████░░░░░░░░░░░░░░   50 %  100 of 200 cells", text, StringComparison.Ordinal);
        Assert.Contains("layers 1/2   200 cells   50 cells/s   0:00:04 left   2 workers", text, StringComparison.Ordinal);
        Assert.Contains("clean +5.12 ±0.41   journal runs/x/journal.db", text, StringComparison.Ordinal);
        Assert.Contains("now: resid_pre layer 1", text, StringComparison.Ordinal);
        Assert.Contains("3 units were already done", text, StringComparison.Ordinal);
        Assert.All(text.Split('\n'), line => Assert.True(line.Length <= 100));
    }
}
