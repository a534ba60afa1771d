using System.Security.Cryptography;
using InterpActors.Compute.Studies;
using InterpActors.Messages.Artifacts;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Tests.Studies;

/// <summary>Where a study's files are taken from: the store, the cluster, or where its path leads.</summary>
public sealed class FilesByContentTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("by-content-").FullName;
    private readonly Fake _artifacts = new();

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Of_a_small_file_a_copy_is_taken_and_where_that_fails_it_is_read_in_place()
    {
        var input = Write("pairs.jsonl", 10);
        using (var held = Open(input)) Assert.Equal(At("pairs.jsonl"), held.Folder().PathOf("pairs.jsonl"));
        Assert.Equal(At("pairs.jsonl"), _artifacts.Offered[input.Sha256]);

        _artifacts.Copies = true;
        _artifacts.Fetchable = At("fetched");
        using (var held = Open(input)) Assert.Equal(At("fetched/pairs.jsonl"), held.Folder().PathOf("pairs.jsonl"));
        Assert.Equal(1, _artifacts.Disposed);
    }

    [Fact]
    public void A_file_that_is_another_one_is_fetched_or_refused()
    {
        var input = Write("pairs.jsonl", 10);
        File.WriteAllText(At("pairs.jsonl"), "another...");
        Assert.Contains("nobody has", Assert.Throws<StudyException>(() => Open(input)).Message, StringComparison.Ordinal);
        Assert.Empty(_artifacts.Offered);
    }

    [Fact]
    public void A_large_model_in_place_is_used_there_unless_it_has_a_file_that_the_study_does_not_know()
    {
        Directory.CreateDirectory(At("model"));
        var config = Write("model/config.json", 5);
        using (var weights = File.Create(At("model/model.safetensors"))) weights.SetLength(FilesByContent.SmallBytes + 1);
        StudyInput[] inputs =
        [
            config with { Path = "model", Name = "config.json" },
            new StudyInput("model", "model.safetensors", Hash("model/model.safetensors"), FilesByContent.SmallBytes + 1),
        ];
        _artifacts.Fetchable = At("fetched");
        using (var held = Open(inputs)) Assert.Equal(At("model"), held.Folder().PathOf("model"));
        Assert.Equal(2, _artifacts.Offered.Count);

        // It would be read as the model's.
        File.WriteAllText(At("model/tokenizer.json"), "{}");
        using (var held = Open(inputs)) Assert.Equal(At("fetched"), held.Folder().PathOf("model"));
        Assert.Equal("model", _artifacts.Name);

        File.Delete(At("model/tokenizer.json"));
        _artifacts.Stored.UnionWith(inputs.Select(i => i.Sha256));
        using (var held = Open(inputs)) Assert.Equal(At("fetched"), held.Folder().PathOf("model"));
    }

    [Fact]
    public void A_study_that_was_read_knows_its_inputs_and_whether_it_lacked_any()
    {
        var folder = new StudyFolder(_root);
        Assert.False(folder.LacksFiles);
        folder.Note("a", "b", new string('0', 64), 3);
        folder.Note("a", "b", new string('0', 64), 3);
        Assert.Single(folder.Inputs);
        folder.PathOf("not there");
        Assert.True(folder.LacksFiles);
        Assert.Throws<StudyException>(() => folder.PathOf("a\0b"));
    }

    private IStudyFilesHeld Open(params StudyInput[] inputs) => new FilesByContent(_artifacts).Open(_root, inputs, default);

    private StudyInput Write(string name, int length)
    {
        File.WriteAllBytes(At(name), RandomNumberGenerator.GetBytes(length));
        return new StudyInput(name, null, Hash(name), length);
    }

    private ArtifactId Hash(string name)
    {
        using var file = File.OpenRead(At(name));
        return ArtifactId.Of(SHA256.HashData(file));
    }

    private string At(string name) => Path.Combine(_root, name);

    /// <summary>A cluster that has everything, as a folder of that name, or nothing.</summary>
    private sealed class Fake : IArtifacts
    {
        public HashSet<ArtifactId> Stored { get; } = [];
        public Dictionary<ArtifactId, string> Offered { get; } = [];
        public string? Fetchable { get; set; }
        public string? Name { get; private set; }
        public int Disposed { get; private set; }

        public bool Copies { get; set; }

        public bool Copy(ArtifactId artifact, string path) => Copies && Stored.Add(artifact);

        public bool Has(ArtifactId artifact) => Stored.Contains(artifact);

        public IArtifactFolder Open(string name, IReadOnlyList<NamedArtifact> files, CancellationToken cancellation)
        {
            Name = name;
            return new Folder(this, Fetchable ?? throw new ArtifactException("nobody has it"));
        }

        public void Offer(ArtifactId artifact, string path) => Offered[artifact] = path;

        public void Keep(IReadOnlyList<NamedArtifact> files, bool asResults, CancellationToken cancellation) { }

        public bool Bring(Recipe recipe, string path, CancellationToken cancellation) => throw new ArtifactException("not asked for");

        public void OfferMade(string recipe, string path) { }

        private sealed class Folder(Fake owner, string path) : IArtifactFolder
        {
            public string Path { get; } = path;

            public void Dispose() => owner.Disposed++;
        }
    }
}
