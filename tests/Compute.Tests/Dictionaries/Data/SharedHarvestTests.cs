using System.Collections.Concurrent;
using InterpActors.Compute.Studies;
using InterpActors.Compute.Tests.Studies;
using InterpActors.Messages.Artifacts;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Compute.Tests.Dictionaries.Data;

/// <summary>Machines that have each other's harvested shards.</summary>
public sealed class SharedHarvestTests : IDisposable
{
    private readonly DataFolder _folder = new();
    private readonly Study _study;

    public SharedHarvestTests()
    {
        var random = new Random(2);
        File.WriteAllLines(_folder.At("tokens.jsonl"), Enumerable.Range(0, 1300).Select(_ =>
            $"{{\"tokens\":[{string.Join(',', Enumerable.Range(0, 32).Select(_ => random.Next(1, 20)))}]}}"));
        _study = StudyRuns.CompileText($$"""
            study { name = t, seed = 1
              model { path = "{{TestData.Path("evaluation/tiny/model")}}" }
              method { kind = sae-training, architecture = topk, k = 2, d_sae = 12, batch = 2048, steps = 30
                data { kind = model, hook = blocks.0.hook_resid_post, tokens = tokens.jsonl, buffer = 2 batches } } }
            """, _folder.Root);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_shard_that_another_machine_has_is_not_computed_and_the_bytes_are_the_same()
    {
        var alone = Run("alone", null);
        var cluster = new Cluster();
        var first = Run("first", cluster);
        var (made, fetched) = (cluster.Made, cluster.Fetched);
        var second = Run("second", cluster);

        Assert.Equal(alone, first);
        Assert.Equal(alone, second);
        Assert.Equal((Shards("alone").Count, 0), (made, fetched));
        Assert.InRange(made, 5, 7);
        Assert.Equal((made, made), (cluster.Made, cluster.Fetched));
        foreach (var name in Shards("alone"))
            Assert.Equal(File.ReadAllBytes(_folder.At($"alone/harvest/{name}")), File.ReadAllBytes(_folder.At($"second/harvest/{name}")));
    }

    [Fact]
    public void What_came_from_elsewhere_counts_to_the_budget_and_is_had_anew_when_it_was_removed()
    {
        var cluster = new Cluster();
        var alone = Run("alone", cluster);
        var (made, budget) = (cluster.Made, cluster.Files.Values.Max(f => f.Length) * 5 / 2);
        var little = Run("little", cluster, budget);

        Assert.Equal(alone, little);
        Assert.InRange(Shards("little").Sum(n => new FileInfo(_folder.At($"little/harvest/{n}")).Length), 1, budget);
        Assert.Equal(made, cluster.Made);
        Assert.True(cluster.Fetched > made);
    }

    [Theory]
    [InlineData("truncated")]
    [InlineData("not even safetensors")]
    [InlineData("of other rows")]
    public void A_file_that_cannot_be_the_shard_does_not_fit(string what)
    {
        var cluster = new Cluster();
        Run("first", cluster);
        var damaged = cluster.Files.Values.OrderBy(f => f.Length).ToArray();
        cluster.Instead = what switch
        {
            "truncated" => f => f[..^1],
            "of other rows" => f => damaged.First(d => d.Length != f.Length),
            _ => f => new byte[f.Length],
        };
        var made = cluster.Made;

        Assert.Equal(Run("alone", null), Run("second", cluster));
        Assert.Equal((2 * made, 0), (cluster.Made, cluster.Fetched));
    }

    [Fact]
    public async Task A_unit_that_is_cancelled_while_it_brings_a_shard_does_not_take_others_with_it()
    {
        using var engine = new StudyEngine(StudyKinds.All, ownSessions: true);
        var plan = engine.Plan(_study);
        using var cancelled = new CancellationTokenSource();
        var cluster = new Cluster();
        var waits = new TaskCompletionSource();
        cluster.Before = cancellation =>
        {
            if (!waits.TrySetResult()) return;
            cancellation.WaitHandle.WaitOne();
            cancellation.ThrowIfCancellationRequested();
        };
        Task<byte[]> Unit(CancellationToken cancellation) => Task.Run(() => engine.Run(_study, plan[0],
            Context("one", 0, cluster) with { Cancellation = cancellation }).Payload);
        var first = Unit(cancelled.Token);
        await waits.Task;
        var second = Unit(CancellationToken.None);
        await Task.Delay(100);
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.Equal(8, (await second).Length);
        Assert.Equal(1, cluster.Made);
    }

    private byte[] Run(string folder, IArtifacts? artifacts, long limit = long.MaxValue)
    {
        using var engine = new StudyEngine(StudyKinds.All, ownSessions: true);
        var plan = engine.Plan(_study);
        byte[] last = [];
        foreach (var ordinal in StudyRuns.Ordinals(plan))
            last = engine.Run(_study, plan[ordinal], Context(folder, ordinal, artifacts, limit)).Payload;
        return last;
    }

    private UnitContext Context(string folder, long ordinal, IArtifacts? artifacts, long limit = long.MaxValue) =>
        new("cpu", _ => { }, CancellationToken.None)
        {
            Folder = _folder.At(folder),
            Own = _folder.At($"{folder}/own/{ordinal}"),
            HarvestLimit = limit,
            Artifacts = artifacts,
        };

    private List<string> Shards(string folder) =>
        [.. new DirectoryInfo(_folder.At($"{folder}/harvest")).EnumerateFiles("*.safetensors").Select(f => f.Name).Order()];

    /// <summary>Machines that have whatever one of them made.</summary>
    private sealed class Cluster : IArtifacts
    {
        public ConcurrentDictionary<string, byte[]> Files { get; } = new();

        /// <summary>What they send instead of a file.</summary>
        public Func<byte[], byte[]>? Instead { get; set; }

        /// <summary>Comes before whatever they do.</summary>
        public Action<CancellationToken> Before { get; set; } = _ => { };

        public int Made { get; private set; }

        public int Fetched { get; private set; }

        public bool Bring(Recipe recipe, string path, CancellationToken cancellation)
        {
            Before(cancellation);
            if (Files.TryGetValue(recipe.Key, out var file))
            {
                var arrived = path + ".arrived";
                File.WriteAllBytes(arrived, Instead is null ? file : Instead(file));
                if (recipe.Fits(arrived))
                {
                    File.Move(arrived, path);
                    Fetched++;
                    return false;
                }
                File.Delete(arrived);
            }
            recipe.Make(path);
            Files[recipe.Key] = File.ReadAllBytes(path);
            Made++;
            return true;
        }

        public void OfferMade(string recipe, string path) { }

        public bool Has(ArtifactId artifact) => false;

        public bool Copy(ArtifactId artifact, string path) => false;

        public void Offer(ArtifactId artifact, string path) { }

        public void Keep(IReadOnlyList<NamedArtifact> files, bool asResults, CancellationToken cancellation) { }

        public IArtifactFolder Open(string name, IReadOnlyList<NamedArtifact> files, CancellationToken cancellation) =>
            throw new ArtifactException("nobody has it");
    }
}
