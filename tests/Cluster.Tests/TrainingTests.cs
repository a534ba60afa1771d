using InterpActors.Actors.Artifacts;
using InterpActors.Compute.Studies;
using InterpActors.Host.Hosting;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Cluster.Tests;

/// <summary>A dictionary that is trained on nodes that die: it goes on from the last checkpoint, on another machine's disk.</summary>
public sealed class TrainingTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("cluster-training-").FullName;

    [Fact]
    public async Task Dictionary_of_a_killed_node_goes_on_elsewhere_to_the_same_bytes()
    {
        var random = new Random(1);
        await File.WriteAllLinesAsync(At("tokens.jsonl"), Enumerable.Range(0, 64).Select(_ =>
            $"{{\"tokens\":[{string.Join(',', Enumerable.Range(0, 16).Select(_ => random.Next(60)))}]}}"));
        await File.WriteAllTextAsync(At("study.conf"), $$"""
            study {
              name = trained
              model { path = "{{Path.Combine(SmallStudy.Root(), "models", "tr-ioi")}}" }
              method { kind = sae-training, architecture = topk, expansion = 8, k = 4
                data { kind = model, hook = blocks.1.hook_resid_post, tokens = tokens.jsonl }
                batch = 256, steps = 800, checkpoint_every = 100 }
            }
            """);
        Assert.Equal(0, await NodeProcess.RunAsync("run", At("study.conf"), "--out", At("local"), "--quiet"));

        var file = StudyFile.Load(At("study.conf"), []);
        var study = StudyCompiler.Compile(file.Root, file.Source, file.Folder, 1);
        using var engine = new StudyEngine();
        var artifacts = new NodeArtifacts(At("coordinator/artifacts"));
        await using var coordinator = await ClusterNode.StartAsync(
            new ClusterNodeOptions(["coordinator"], At("coordinator"), engine, engine) { Artifacts = artifacts });
        var desk = coordinator.Desk!;
        var seed = $"{coordinator.Host}:{coordinator.Port}";
        using var doomed = await Node("doomed", seed);
        await desk.SubmitAsync(study);
        // The journal has a checkpoint once the coordinator has its files.
        await Until(() => Directory.Exists(At("coordinator/artifacts")) && Directory.EnumerateFiles(At("coordinator/artifacts"), "*",
            SearchOption.AllDirectories)
            .Any(IsState));
        using var other = await Node("other", seed);
        await doomed.KillAsync();
        Directory.Delete(At("doomed"), recursive: true);
        StudyProgress progress;
        do progress = (await desk.ProgressAsync(study.Id))!;
        while (progress.State == RunState.Running && await Pause());

        Assert.Equal(RunState.Completed, progress.State);
        // Nothing that only one machine had is needed for the results.
        await other.KillAsync();
        var reduction = new Reduction(engine.Plan(study), await desk.PayloadsAsync(study.Id),
            await desk.HistoryAsync(study.Id))
        { Artifacts = artifacts };
        engine.Reduce(reduction, At("results"));
        foreach (var name in (string[])["training.csv", "results.csv", "topk/sae/sae_weights.safetensors",
            "topk/checkpoint-800/state.safetensors"])
            Assert.Equal(await File.ReadAllBytesAsync(At($"local/{name}")), await File.ReadAllBytesAsync(At($"results/{name}")));
        // It did not begin anew: it fetched the state of its first checkpoint.
        Assert.Contains(Directory.EnumerateFiles(At("other/artifacts"), "*", SearchOption.AllDirectories), IsState);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private string At(string name) => Path.Combine(_root, name);

    private Task<NodeProcess> Node(string name, string seed) =>
        NodeProcess.StartAsync("--roles", "compute", "--data", At(name), "--workers", "1", "--seed-node", seed);

    /// <summary>Weights or moments: larger than every other file that travels.</summary>
    private static bool IsState(string path) => new FileInfo(path).Length > 100_000;

    private static async Task Until(Func<bool> reached)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!reached()) await Task.Delay(50, limit.Token);
    }

    private static async Task<bool> Pause()
    {
        await Task.Delay(100);
        return true;
    }
}
