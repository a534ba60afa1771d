using System.Globalization;
using InterpActors.Actors.Artifacts;
using InterpActors.Actors.Journal;
using InterpActors.Compute.Studies;
using InterpActors.Host.Hosting;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Serialization;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using InterpActors.TestSupport;
using Xunit.Abstractions;

namespace InterpActors.Cluster.Tests;

/// <summary>
/// Dictionaries trained and evaluated by two nodes that are killed at random moments or whose disk is full: the bytes of a run on one
/// machine come out. <c>INTERP_TEST_KILLS</c> says how often; unset, few times.
/// </summary>
public sealed class TrainingKillsTests(ITestOutputHelper output) : IDisposable
{
    private const int CheckpointEvery = 50;

    private readonly string _root = Directory.CreateTempSubdirectory("cluster-training-kills-").FullName;
    private readonly StudyEngine _engine = new();

    private static int Kills =>
        int.TryParse(Environment.GetEnvironmentVariable("INTERP_TEST_KILLS"), CultureInfo.InvariantCulture, out var kills) ? kills : 2;

    [Fact]
    public async Task Workers_killed_at_random_moments_change_nothing_but_the_time()
    {
        await WriteStudiesAsync(steps: 300);
        Assert.Equal(0, await NodeProcess.RunAsync("run", At("study.conf"), "--out", At("local"), "--quiet", "--workers", "2"));
        Assert.Equal(0, await NodeProcess.RunAsync(
            "run", At("evaluation.conf"), "--out", At("local-evaluated"), "--quiet", "--workers", "2"));
        var random = new Random(3);
        for (int killed = 0, round = 0; round == 0 || killed < Kills; round++)
        {
            var artifacts = new NodeArtifacts(At($"{round}/coordinator/artifacts"));
            await using var coordinator = await ClusterNode.StartAsync(
                new ClusterNodeOptions(["coordinator"], At($"{round}/coordinator"), _engine, _engine) { Artifacts = artifacts });
            var seed = $"{coordinator.Host}:{coordinator.Port}";
            var nodes = new List<(string Name, NodeProcess Process)>();
            try
            {
                foreach (var name in (string[])["a", "b"]) nodes.Add((name, await Node($"{round}/{name}", seed)));
                foreach (var (file, local) in new[] { ("study.conf", "local"), ("evaluation.conf", "local-evaluated") })
                {
                    var study = Compile(file);
                    await coordinator.Desk!.SubmitAsync(study);
                    for (var here = 0; here < 5; here++)
                    {
                        await Task.Delay(TimeSpan.FromSeconds(random.NextDouble() * 3));
                        var progress = (await coordinator.Desk.ProgressAsync(study.Id))!;
                        if (progress.State == RunState.Completed || killed >= Kills) break;
                        var at = random.Next(2);
                        var (name, process) = nodes[at];
                        await process.KillAsync();
                        process.Dispose();
                        killed++;
                        output.WriteLine($"kill {killed} of {name} at {progress.Committed} of {progress.Planned} units of {file}: "
                            + string.Join("; ", progress.Running));
                        nodes[at] = (name, await Node($"{round}/{name}", seed));
                    }
                    await Completed(coordinator.Desk, study, At($"{round}/results-{local}"), artifacts);
                    Compare(local, $"{round}/results-{local}");
                    // Nobody had to go on from an earlier checkpoint than the last one that the journal knew.
                    Assert.Null((await coordinator.Desk.HistoryAsync(study.Id)).Warnings);
                }
                CheckCheckpoints(At($"{round}/coordinator/journal.db"));
            }
            finally
            {
                foreach (var (_, process) in nodes) process.Dispose();
            }
        }
    }

    [SmallDiskFact]
    public async Task A_unit_whose_node_has_a_full_disk_goes_to_another_node()
    {
        await WriteStudiesAsync(steps: 150);
        Assert.Equal(0, await NodeProcess.RunAsync("run", At("study.conf"), "--out", At("local"), "--quiet", "--workers", "2"));
        using var disk = new SmallDisk(8 << 20);
        var artifacts = new NodeArtifacts(At("coordinator/artifacts"));
        await using var coordinator = await ClusterNode.StartAsync(
            new ClusterNodeOptions(["coordinator"], At("coordinator"), _engine, _engine) { Artifacts = artifacts });
        var seed = $"{coordinator.Host}:{coordinator.Port}";
        using var full = await NodeProcess.StartAsync(
            "--roles", "compute", "--data", Path.Combine(disk.Path, "node"), "--workers", "1", "--seed-node", seed);
        disk.LeaveFree(200 << 10);
        var study = Compile("study.conf");
        await coordinator.Desk!.SubmitAsync(study);
        using var other = await Node("other", seed);

        await Completed(coordinator.Desk, study, At("results"), artifacts);

        Compare("local", "results");
        var aside = (await coordinator.Desk.MembersAsync()).Workers.Where(w => w.SetAside is not null).ToList();
        Assert.Contains("disk", Assert.Single(aside).SetAside);
        // No try was counted against a unit.
        Assert.Empty((await coordinator.Desk.HistoryAsync(study.Id)).Failures);
    }

    public void Dispose()
    {
        _engine.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    private async Task WriteStudiesAsync(int steps)
    {
        var random = new Random(1);
        await File.WriteAllLinesAsync(At("tokens.jsonl"), Enumerable.Range(0, 512).Select(_ =>
            $"{{\"tokens\":[{string.Join(',', Enumerable.Range(0, 48).Select(_ => random.Next(1, 144)))}]}}"));
        var model = Path.Combine(SmallStudy.Root(), "models", "tr-ioi");
        await File.WriteAllTextAsync(At("study.conf"), $$"""
            study {
              name = trained
              model { path = "{{model}}" }
              method { kind = sae-training, architecture = topk, expansion = 8, k = 4
                data { kind = model, hook = blocks.1.hook_resid_post, tokens = tokens.jsonl }
                batch = 256, steps = {{steps}}, checkpoint_every = {{CheckpointEvery}}, log_every = 5 }
              sweep { seed = [0, 1] }
            }
            """);
        await File.WriteAllTextAsync(At("evaluation.conf"), $$"""
            study {
              name = evaluated
              model { path = "{{model}}" }
              method { kind = sae-evaluation, metrics = [core, features]
                sae = ["{{At("local")}}/topk-seed0/sae", "{{At("local")}}/topk-seed1/sae"]
                data { kind = tokens, file = tokens.jsonl } }
            }
            """);
    }

    private Study Compile(string name)
    {
        var file = StudyFile.Load(At(name), []);
        return StudyCompiler.Compile(file.Root, file.Source, file.Folder, 1);
    }

    private async Task Completed(IStudyDesk desk, Study study, string folder, NodeArtifacts artifacts)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        while ((await desk.ProgressAsync(study.Id))!.State == RunState.Running) await Task.Delay(50, limit.Token);
        Assert.Equal(RunState.Completed, (await desk.ProgressAsync(study.Id))!.State);
        var reduction = new Reduction(_engine.Plan(study), await desk.PayloadsAsync(study.Id), await desk.HistoryAsync(study.Id))
        {
            Artifacts = artifacts,
        };
        _engine.Reduce(reduction, folder);
    }

    /// <summary>All but what tells of times and machines.</summary>
    private void Compare(string local, string results)
    {
        var compared = Directory.EnumerateFiles(At(results), "*", SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(At(results), f))
            .Where(f => f is not ("summary.json" or "manifest.json" or "report.html")).ToList();
        Assert.Contains("results.csv", compared);
        foreach (var name in compared)
            Assert.True(File.ReadAllBytes(At($"{local}/{name}")).AsSpan().SequenceEqual(File.ReadAllBytes(At($"{results}/{name}"))), name);
    }

    /// <summary>No process went on from before the last checkpoint that the journal knew: what it wrote first came right after.</summary>
    private void CheckCheckpoints(string journal)
    {
        var last = new Dictionary<(string, long), long>();
        using var reader = new JournalReader(new JournalFile(journal));
        reader.Read(
            "SELECT message, manifest, persistence_id FROM journal WHERE manifest = @p0 ORDER BY ordering",
            () => [WireFormat.ManifestOf(typeof(CheckpointWritten))],
            row =>
            {
                var written = (CheckpointWritten)WireFormat.Read(row.GetFieldValue<byte[]>(0), row.GetString(1));
                var key = (row.GetString(2), written.Ordinal);
                var before = last.GetValueOrDefault(key);
                // One that was on the disk and not yet in the journal when its process died is gone on from as well: one a kill.
                Assert.InRange(written.Step - before, CheckpointEvery, (1 + Kills) * CheckpointEvery);
                output.WriteLine($"unit {written.Ordinal}, step {written.Step} by {written.Process}");
                last[key] = written.Step;
            });
    }

    private string At(string name) => Path.Combine(_root, name);

    private Task<NodeProcess> Node(string name, string seed) =>
        NodeProcess.StartAsync("--roles", "compute", "--data", At(name), "--workers", "1", "--seed-node", seed);
}
