using System.Diagnostics;
using System.Globalization;
using InterpActors.Actors.Journal;
using InterpActors.Host.Runs;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Serialization;
using Xunit.Abstractions;

namespace InterpActors.Host.Tests.Runs;

/// <summary>
/// A training study and the evaluation of what it trained, killed at moments of every stage and run again each time. The suite kills four
/// times; <c>INTERP_KILLS=50</c> more often.
/// </summary>
public sealed class TrainingKillTests(ITestOutputHelper output) : IDisposable
{
    private static readonly string[] Stages = ["harvest", "step", "checkpoint", "evaluation", "start"];
    private readonly string _root = Directory.CreateTempSubdirectory("training-kill-").FullName;
    private readonly Dictionary<string, int> _met = [];
    private readonly List<(string Run, long Kept)> _kills = [];

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task Killed_at_every_stage_gives_the_bytes_of_an_uninterrupted_run()
    {
        var studies = new TrainingStudies(_root);
        var whole = At("whole");
        await Finish("run", studies.Training, "--out", whole);
        await Finish("run", studies.Evaluation(whole), "--out", At("whole-evaluated"));
        var (trained, evaluated) = (TrainingStudies.Compared(whole), TrainingStudies.Compared(At("whole-evaluated")));

        var kills = int.TryParse(Environment.GetEnvironmentVariable("INTERP_KILLS"), CultureInfo.InvariantCulture, out var n) ? n : 4;
        var random = new Random(20261);
        // A kill that comes too late meets nothing: then once more.
        for (int done = 0, round = 0; done < kills || (!IsTrainingMet && round < kills + 4); round++)
        {
            var (run, evaluation) = (At($"run-{round}"), At($"evaluated-{round}"));
            var here = done < kills
                ? Enumerable.Range(done, Math.Min(5, kills - done)).Select(k => Stages[k % Stages.Length]).ToList() : ["step"];
            done += here.Count;
            foreach (var stage in here.Where(s => s != "evaluation")) await KillAsync(studies.Training, run, stage, random);
            await Finish("run", studies.Training, "--out", run);
            Assert.Equal(trained, TrainingStudies.Compared(run));
            CheckRedone(run);

            var study = studies.Evaluation(run);
            foreach (var stage in here.Where(s => s == "evaluation")) await KillAsync(study, evaluation, stage, random);
            await Finish("run", study, "--out", evaluation);
            Assert.Equal(evaluated, TrainingStudies.Compared(evaluation));
        }
        output.WriteLine("stages met: " + string.Join(", ", _met.OrderBy(m => m.Key).Select(m => $"{m.Key} {m.Value}")));
        Assert.True(IsTrainingMet, "training was never met");
    }

    private bool IsTrainingMet => _met.GetValueOrDefault("step") + _met.GetValueOrDefault("checkpoint") > 0;

    [Theory]
    [InlineData(1, "topk goes on from checkpoint-")]
    [InlineData(99, "topk goes on from step 0")]
    public async Task Damaged_checkpoints_are_told_wherever_people_look(int damaged, string goesOn)
    {
        var studies = new TrainingStudies(_root);
        await Finish("run", studies.Training, "--out", At("whole"));
        var run = At("damaged");
        using (var child = Interp.Start("run", studies.Training, "--out", run, "--threads", "1", "--workers", "1", "--quiet"))
        {
            var said = child.StandardError.ReadToEndAsync();
            while (!child.HasExited && Checkpoints(run).Count() < 2) await Task.Delay(1);
            child.Kill();
            await child.WaitForExitAsync();
            Assert.True(child.ExitCode == 137, await said);
        }
        foreach (var step in Checkpoints(run).OrderDescending().Take(damaged).ToList())
        {
            var file = Files(run, "training").Single(f => f.EndsWith($"checkpoint-{step}/state.safetensors", StringComparison.Ordinal));
            var bytes = await File.ReadAllBytesAsync(file);
            bytes[^9] ^= 4;
            await File.WriteAllBytesAsync(file, bytes);
        }

        var again = await Interp.Start("run", studies.Training, "--out", run, "--threads", "1", "--workers", "1").Finish();

        Assert.True(again.Code == 0, again.Error);
        Assert.Equal(TrainingStudies.Compared(At("whole")), TrainingStudies.Compared(run));
        var warnings = System.Text.Json.Nodes.JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(run, "summary.json")))!["warnings"]!
            .AsArray().Select(w => (string)w!).ToList();
        Assert.NotEmpty(warnings);
        Assert.All(warnings, w => Assert.Contains("is damaged (state.safetensors is not what was written)", w, StringComparison.Ordinal));
        Assert.All(warnings, w => Assert.Contains(goesOn, w, StringComparison.Ordinal));
        foreach (var warning in warnings)
        {
            Assert.Contains($"warning: {warning}", again.Output, StringComparison.Ordinal);
            Assert.Contains(warning, (await Interp.Here("status", run)).Output, StringComparison.Ordinal);
            Assert.Contains(System.Net.WebUtility.HtmlEncode(warning)[..20], await File.ReadAllTextAsync(Path.Combine(run, "report.html")),
                StringComparison.Ordinal);
        }
    }

    /// <summary>Starts the study and kills it a little after a stage is seen on the disk.</summary>
    private async Task KillAsync(string study, string run, string stage, Random random)
    {
        // What an earlier kill left says nothing of this process.
        var (before, old) = (DateTimeOffset.UtcNow, Half(run).ToHashSet());
        using var child = Interp.Start("run", study, "--out", run, "--threads", "1", "--workers", "1", "--quiet");
        var said = child.StandardError.ReadToEndAsync();
        var clock = Stopwatch.StartNew();
        while (!child.HasExited && !IsAt(run, stage, old) && clock.Elapsed < TimeSpan.FromSeconds(60)) await Task.Delay(1);
        await Task.Delay(TimeSpan.FromSeconds(stage == "checkpoint" ? 0 : random.NextDouble() * 0.6));
        child.Kill();
        await child.WaitForExitAsync();
        Assert.True(child.ExitCode is 0 or 137, await said);
        var met = child.ExitCode == 0 ? "after the end" : Stage(run, stage == "evaluation", before, old);
        _met[met] = _met.GetValueOrDefault(met) + 1;
        var kept = Checkpoints(run).DefaultIfEmpty().Max();
        if (stage != "evaluation") _kills.Add((run, kept));
        output.WriteLine($"{Path.GetFileName(run)}: killed at {clock.Elapsed.TotalSeconds:0.00} s, meant for {stage}, met {met}, "
            + $"last whole checkpoint {kept}");
    }

    private static bool IsAt(string run, string stage, HashSet<string> old) => stage switch
    {
        "harvest" => Files(run, "harvest").Any(),
        "step" => Committed(run) >= TrainingStudies.Shards,
        "checkpoint" => Half(run).Any(f => !old.Contains(f)),
        "evaluation" => Committed(run) > 0,
        _ => true,
    };

    /// <summary>What the process was at when it died, as its folder tells.</summary>
    /// <param name="started">When it was started.</param>
    /// <param name="old">Half checkpoints that were there before.</param>
    private static string Stage(string run, bool evaluates, DateTimeOffset started, HashSet<string> old)
    {
        if (!File.Exists(Path.Combine(run, "journal.db"))) return "start";
        using var local = Open(run);
        if (local is null || local.History.Planned == 0 || !local.History.Processes.Any(p => p.Started >= started)) return "start";
        var (planned, committed) = (local.History.Planned, local.History.Committed);
        if (committed == planned) return "results";
        if (evaluates) return "evaluation";
        if (committed < planned - 1) return "harvest";
        return Half(run).Any(f => !old.Contains(f)) ? "checkpoint" : "step";
    }

    private static LocalRun? Open(string run)
    {
        try
        {
            return LocalRun.Open(run);
        }
        catch (InterpActors.Messages.Studies.StudyException)
        {
            return null;
        }
    }

    private static long Committed(string run)
    {
        if (!File.Exists(Path.Combine(run, "computed.log"))) return 0;
        using var file = new StreamReader(new FileStream(
            Path.Combine(run, "computed.log"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        return file.ReadToEnd().Count(c => c == '\n');
    }

    private static IEnumerable<string> Files(string run, string folder) =>
        Directory.Exists(Path.Combine(run, folder))
            ? Directory.EnumerateFiles(Path.Combine(run, folder), "*", SearchOption.AllDirectories)
            : [];

    /// <summary>Checkpoints that were begun and are not whole: folders without their lists.</summary>
    private static List<string> Half(string run)
    {
        var root = Path.Combine(run, "training");
        try
        {
            return !Directory.Exists(root) ? [] : [.. Directory.EnumerateDirectories(root, "checkpoint-*", SearchOption.AllDirectories)
                .Where(d => !File.Exists(d + ".json")).Select(d => $"{d} {Directory.GetCreationTimeUtc(d):O}")];
        }
        catch (IOException)
        {
            return [];
        }
    }

    private static IEnumerable<long> Checkpoints(string run) => Files(run, "training")
        .Where(f => Path.GetFileName(f).StartsWith("checkpoint-", StringComparison.Ordinal)
            && f.EndsWith(".json", StringComparison.Ordinal))
        .Select(f => long.Parse(Path.GetFileNameWithoutExtension(f)["checkpoint-".Length..], CultureInfo.InvariantCulture));

    /// <summary>
    /// Every process began where the last whole checkpoint before it was: the first one that it wrote is the next after that, so that no
    /// kill cost more than the steps between two.
    /// </summary>
    private void CheckRedone(string run)
    {
        var (starts, firsts) = (new List<string>(), new Dictionary<string, long>());
        using var reader = new JournalReader(new JournalFile(Path.Combine(run, RunFolder.JournalName)));
        reader.Read("SELECT message, manifest FROM journal ORDER BY ordering", () => [], row =>
        {
            var happened = WireFormat.Read(row.GetFieldValue<byte[]>(0), row.GetString(1));
            if (happened is ProcessStarted started) starts.Add(started.Process);
            if (happened is CheckpointWritten written) firsts.TryAdd(written.Process, written.Step);
        });
        // A kill before the journal had the process leaves no trace in it.
        var kills = _kills.Where(k => k.Run == run).Select(k => k.Kept).ToList();
        var missing = kills.Count + 1 - starts.Count;
        for (var i = 1; i < starts.Count; i++)
        {
            if (!firsts.TryGetValue(starts[i], out var step)) continue;
            var kept = kills.Skip(i - 1).Take(missing + 1).ToList();
            output.WriteLine($"  process {i + 1} went on from {step - TrainingStudies.CheckpointEvery}");
            Assert.Contains(step - TrainingStudies.CheckpointEvery, kept);
        }
    }

    private static async Task Finish(params string[] arguments)
    {
        var done = await Interp.Start([.. arguments, "--threads", "1", "--workers", "1", "--quiet"]).Finish();
        Assert.True(done.Code == 0, done.Error);
    }

    private string At(string name) => Path.Combine(_root, name);
}
