using System.Collections.Concurrent;
using InterpActors.Actors.Artifacts;
using InterpActors.Compute.Studies;
using InterpActors.Host.Hosting;
using InterpActors.Messages.Artifacts;
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

    [Fact]
    public async Task Nodes_harvest_each_shard_once_and_have_it_from_each_other()
    {
        var random = new Random(1);
        await File.WriteAllLinesAsync(At("tokens.jsonl"), Enumerable.Range(0, 1200).Select(_ =>
            $"{{\"tokens\":[{string.Join(',', Enumerable.Range(0, 48).Select(_ => random.Next(1, 144)))}]}}"));
        await File.WriteAllTextAsync(At("study.conf"), $$"""
            study {
              name = shared
              model { path = "{{Path.Combine(SmallStudy.Root(), "models", "tr-ioi")}}" }
              method { kind = sae-training, architecture = topk, expansion = 4, k = 4
                data { kind = model, hook = blocks.1.hook_resid_post, tokens = tokens.jsonl }
                batch = 1024, steps = 60, checkpoint_every = 60 }
              sweep { seed = [0, 1] }
            }
            """);
        Assert.Equal(0, await NodeProcess.RunAsync("run", At("study.conf"), "--out", At("local"), "--quiet"));

        var file = StudyFile.Load(At("study.conf"), []);
        var study = StudyCompiler.Compile(file.Root, file.Source, file.Folder, 1);
        using var engine = new StudyEngine();
        var artifacts = new NodeArtifacts(At("coordinator/artifacts"));
        await using var coordinator = await ClusterNode.StartAsync(
            new ClusterNodeOptions(["coordinator"], At("coordinator"), engine, engine) { Artifacts = artifacts });
        using var bothTrain = new CountdownEvent(2);
        using var first = new CountingRunner(bothTrain);
        using var second = new CountingRunner(bothTrain);
        await using var a = await InProcess("a", coordinator, first);
        await using var b = await InProcess("b", coordinator, second);
        var desk = coordinator.Desk!;
        await desk.SubmitAsync(study);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while ((await desk.ProgressAsync(study.Id))!.State == RunState.Running) await Task.Delay(50, limit.Token);

        var history = await desk.HistoryAsync(study.Id);
        var reduction = new Reduction(engine.Plan(study), await desk.PayloadsAsync(study.Id), history) { Artifacts = artifacts };
        engine.Reduce(reduction, At("results"));
        foreach (var name in (string[])["training.csv", "results.csv", "topk-seed0/sae/sae_weights.safetensors",
            "topk-seed1/checkpoint-60/state.safetensors"])
            Assert.Equal(await File.ReadAllBytesAsync(At($"local/{name}")), await File.ReadAllBytesAsync(At($"results/{name}")));
        // All but the two dictionaries.
        var shards = engine.Plan(study).UnitCount - 2;
        Assert.InRange(shards, 7, 9);
        Assert.Equal(shards, first.Made.Concat(second.Made).Distinct().Count());
        Assert.Equal(shards, first.Made.Count + second.Made.Count);
        // Both trained a dictionary, on all shards.
        Assert.Equal(shards, first.Made.Count + first.Fetched.Distinct().Count());
        Assert.Equal(shards, second.Made.Count + second.Fetched.Distinct().Count());
        Assert.Empty(history.Failures);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private string At(string name) => Path.Combine(_root, name);

    private Task<NodeProcess> Node(string name, string seed) =>
        NodeProcess.StartAsync("--roles", "compute", "--data", At(name), "--workers", "1", "--seed-node", seed);

    private Task<ClusterNode> InProcess(string name, ClusterNode coordinator, CountingRunner runner)
    {
        var options = new ClusterNodeOptions(["compute"], At(name), runner, runner)
        {
            Seeds = [$"{coordinator.Host}:{coordinator.Port}"],
            Artifacts = new NodeArtifacts(At($"{name}/artifacts")),
        };
        return ClusterNode.StartAsync(options);
    }

    /// <summary>Computes as the engine does, and notes which shards its node made and which it had from the other one.</summary>
    /// <param name="bothTrain">Training waits for the other node's.</param>
    private sealed class CountingRunner(CountdownEvent bothTrain) : IUnitRunner, IStudyPlanner
    {
        private readonly StudyEngine _engine = new(StudyKinds.All, ownSessions: true);

        public ConcurrentBag<string> Made { get; } = [];

        public ConcurrentBag<string> Fetched { get; } = [];

        public IStudyPlan Plan(Study study) => _engine.Plan(study);

        public UnitOutput Run(Study study, WorkUnit unit, UnitContext context)
        {
            if (unit.Label.StartsWith("topk", StringComparison.Ordinal))
            {
                if (!bothTrain.IsSet) bothTrain.Signal();
                bothTrain.Wait(TimeSpan.FromSeconds(20), context.Cancellation);
            }
            return _engine.Run(study, unit, context with { Artifacts = new Counting(context.Artifacts!, this) });
        }

        public void Dispose() => _engine.Dispose();

        private sealed class Counting(IArtifacts inner, CountingRunner owner) : IArtifacts
        {
            public bool Bring(Recipe recipe, string path, CancellationToken cancellation)
            {
                var isMade = inner.Bring(recipe, path, cancellation);
                (isMade ? owner.Made : owner.Fetched).Add(recipe.Key);
                return isMade;
            }

            public void OfferMade(string recipe, string path) => inner.OfferMade(recipe, path);

            public bool Has(ArtifactId artifact) => inner.Has(artifact);

            public IArtifactFolder Open(string name, IReadOnlyList<NamedArtifact> files, CancellationToken cancellation) =>
                inner.Open(name, files, cancellation);

            public void Offer(ArtifactId artifact, string path) => inner.Offer(artifact, path);

            public bool Copy(ArtifactId artifact, string path) => inner.Copy(artifact, path);

            public void Keep(IReadOnlyList<NamedArtifact> files, bool asResults, CancellationToken cancellation) =>
                inner.Keep(files, asResults, cancellation);
        }
    }

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
