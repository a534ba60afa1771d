using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using InterpActors.Messages.Studies;
using InterpActors.TestSupport;

namespace InterpActors.Bench.Scale;

/// <summary>
/// A study of a million units in a process of its own, whose memory is watched: planned and run up to the middle, killed there, resumed and
/// run to its end. The quick form resumes earlier and stops soon after.
/// </summary>
internal static class MillionUnits
{
    /// <summary>First argument of the bench's own process that is the coordinator.</summary>
    public const string ProcessName = "scale-coordinator";

    private const int Units = 1_000_000;
    private const int Layers = 100;
    private const int Workers = 256;

    public static async Task MeasureAsync(JsonObject figures, bool quick)
    {
        using var folder = new TemporaryFolder();
        var journal = Path.Combine(folder.Path, "journal.db");
        var first = await RunAsync(journal, quick ? 60_000 : Units / 2, kill: true);
        var second = await RunAsync(journal, quick ? 90_000 : Units, kill: false);
        Add(figures, "million_units_committed", SimulatedCluster.Committed(journal, FakePlanner.Study().Id));
        Add(figures, "million_units_seconds", first.Seconds + second.Seconds);
        Add(figures, "million_units_peak_memory_mb", Math.Max(first.Peak, second.Peak) / 1e6);
        Add(figures, "million_units_recovery_seconds", second.FirstAssignment);
        Add(figures, "million_units_journal_mb", new FileInfo(journal).Length / 1e6);
    }

    private sealed record Outcome(long Committed, double Seconds, double FirstAssignment, long Peak);

    private static void Add(JsonObject figures, string name, double value)
    {
        figures[name] = value;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-36} {value,12:G7}"));
    }

    /// <summary>Runs the coordinator's process until so many units are committed.</summary>
    private static async Task<Outcome> RunAsync(string journal, long until, bool kill)
    {
        var clock = Stopwatch.StartNew();
        using var process = Process.Start(new ProcessStartInfo(
            Environment.ProcessPath!, [ProcessName, journal, until.ToString(CultureInfo.InvariantCulture)])
        {
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
        })!;
        try
        {
            var outcome = new Outcome(0, 0, double.NaN, 0);
            while (await process.StandardOutput.ReadLineAsync() is { } line)
            {
                if (line.Split(' ') is not [var committed, var first, var peak]) continue;
                outcome = new Outcome(
                    long.Parse(committed, CultureInfo.InvariantCulture), clock.Elapsed.TotalSeconds,
                    double.Parse(first, CultureInfo.InvariantCulture), long.Parse(peak, CultureInfo.InvariantCulture));
                if (outcome.Committed < until) continue;
                if (kill) process.Kill();
                break;
            }
            process.StandardInput.Close();
            await process.WaitForExitAsync();
            if (outcome.Committed < until) throw new InvalidOperationException($"the coordinator ended at {outcome.Committed} units");
            return outcome;
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }
    }

    /// <summary>
    /// The process: runs the study and writes ten times a second how many units are committed, after how many seconds (of the process's
    /// life) the first one was handed out, and the peak of its memory. Ends with its standard input, or when so many units are committed.
    /// </summary>
    public static async Task<int> ServeAsync(string journal, long until)
    {
        using var self = Process.GetCurrentProcess();
        var study = FakePlanner.Study();
        await using var cluster = await SimulatedCluster.StartAsync(journal, Workers, new FakePlanner(Layers, Units / Layers));
        await cluster.SubmitAsync(study);
        await cluster.FirstAssignment;
        var first = (DateTime.Now - self.StartTime).TotalSeconds;
        var abandoned = Task.Run(Console.In.ReadToEnd);
        while (!abandoned.IsCompleted)
        {
            var progress = await cluster.ProgressAsync(study.Id);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{progress.Committed} {first:R} {ProcessMemory.Peak()}"));
            if (progress.Committed >= until && (until < Units || progress.State == RunState.Completed)) break;
            await Task.Delay(100);
        }
        return 0;
    }
}
