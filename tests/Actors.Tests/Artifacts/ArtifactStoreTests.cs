using InterpActors.Actors.Artifacts;
using InterpActors.Messages.Artifacts;

namespace InterpActors.Actors.Tests.Artifacts;

public sealed class ArtifactStoreTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData("../../../../etc/passwd")]
    [InlineData("..")]
    [InlineData("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde/")]
    [InlineData("0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef")]
    [InlineData("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0")]
    public void Only_a_hash_names_an_artifact(string name)
    {
        Assert.False(ArtifactId.IsValid(name));
        Assert.Throws<ArgumentException>(() => new ArtifactId(name));
    }

    [Theory]
    [InlineData("config.json", true)]
    [InlineData("layer 3/weights.safetensors", true)]
    [InlineData("..", false)]
    [InlineData("../x", false)]
    [InlineData("a/../../x", false)]
    [InlineData("/etc/passwd", false)]
    [InlineData("a//b", false)]
    [InlineData("a\\b", false)]
    [InlineData("a\nb", false)]
    [InlineData("", false)]
    public void A_name_in_a_folder_does_not_lead_out_of_it(string name, bool allowed)
    {
        Assert.Equal(allowed, NamedArtifact.IsName(name));
        var content = StoreFolder.Content(1, 10);
        var node = new NodeArtifacts(_folder.At("node"));
        var id = StoreFolder.Put(node.Store, content);
        if (allowed)
        {
            using var made = node.Open("m", [new NamedArtifact(name, id, 10)], default);
            Assert.Equal(content, File.ReadAllBytes(Path.Combine(made.Path, name)));
        }
        else
        {
            Assert.Throws<ArtifactException>(() => node.Open("m", [new NamedArtifact(name, id, 10)], default));
            Assert.Throws<ArtifactException>(() => node.Open(name, [new NamedArtifact("x", id, 10)], default));
        }
    }

    [Fact]
    public void What_was_written_is_there_for_the_next_process_and_a_wrong_hash_leaves_nothing()
    {
        var content = StoreFolder.Content(1, 300_000);
        var store = _folder.Store();
        var wrong = StoreFolder.Id(StoreFolder.Content(2, 5));
        using (var writer = store.BeginWrite(wrong, content.Length))
        {
            writer!.Write(content);
            Assert.False(writer.Complete());
        }
        Assert.Null(store.Find(wrong));
        Assert.Equal(0, store.Used);

        var id = StoreFolder.Put(store, content);
        Assert.Null(store.BeginWrite(id, content.Length));
        var again = _folder.Store();
        Assert.Equal(content, File.ReadAllBytes(again.Find(id)!));
        Assert.Equal(content.Length, again.Used);
        Assert.Single(Directory.EnumerateFiles(_folder.At("store"), "*", SearchOption.AllDirectories));
    }

    [Fact]
    public void Damage_on_the_disk_is_found_on_first_use_and_when_a_file_changes()
    {
        var content = StoreFolder.Content(1, 1000);
        var id = StoreFolder.Put(_folder.Store(), content);
        var path = _folder.Store().Find(id)!;
        var damaged = (byte[])content.Clone();
        damaged[500] ^= 1;

        File.WriteAllBytes(path, damaged);
        var store = _folder.Store();
        Assert.NotNull(store.LengthOf(id));
        Assert.Null(store.Find(id));
        Assert.Null(store.LengthOf(id));

        StoreFolder.Put(store, content);
        Assert.NotNull(store.Find(id));
        File.WriteAllBytes(path, damaged);
        File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddSeconds(5));
        // Others are not promised what they would throw away.
        Assert.Null(store.LengthOf(id));
        Assert.Null(store.OpenRead(id));
        Assert.Null(store.Find(id));
    }

    [Fact]
    public void An_interrupted_writer_is_gone_on_with_also_by_the_next_process()
    {
        var content = StoreFolder.Content(1, 100_000);
        var id = StoreFolder.Id(content);
        var store = _folder.Store();
        using (var first = store.BeginWrite(id, content.Length))
        {
            Assert.Null(store.BeginWrite(id, content.Length));
            first!.Write(content.AsSpan(0, 30_000));
        }
        Assert.Equal(30_000, store.PartialLength(id));
        store = _folder.Store();
        Assert.Equal(30_000, store.PartialLength(id));
        using var second = store.BeginWrite(id, content.Length);
        Assert.Equal(30_000, second!.Offset);
        second.Write(content.AsSpan(30_000));
        Assert.Throws<ArgumentException>(() => second.Write([1]));
        Assert.True(second.Complete());
        Assert.Equal(0, store.PartialLength(id));
        Assert.Equal(content, File.ReadAllBytes(store.Find(id)!));
    }

    [Fact]
    public void Above_the_limit_what_was_used_least_recently_goes_and_what_is_held_stays()
    {
        var store = _folder.Store(limit: 3000);
        var ids = Enumerable.Range(0, 3).Select(i => StoreFolder.Put(store, StoreFolder.Content(i, 1000))).ToArray();
        // The order of their last use is that of the files' access times for the next process.
        for (var i = 0; i < 3; i++) File.SetLastAccessTimeUtc(store.Find(ids[i])!, DateTime.UtcNow.AddHours(-1 - i));
        store = _folder.Store(limit: 3000);

        using (store.Hold([ids[2]]))
        {
            var next = StoreFolder.Put(store, StoreFolder.Content(10, 1000));
            Assert.Null(store.Find(ids[1]));
            Assert.NotNull(store.Find(ids[0]));
            Assert.NotNull(store.Find(ids[2]));
            Assert.NotNull(store.Find(next));
            using (store.Hold([ids[0], next]))
            {
                var full = Assert.Throws<ArtifactException>(() => store.BeginWrite(StoreFolder.Id(StoreFolder.Content(11, 1000)), 1000));
                Assert.Contains("cache-limit", full.Message, StringComparison.Ordinal);
            }
        }
        Assert.Throws<ArtifactException>(() => store.BeginWrite(ids[1], 3001));
        StoreFolder.Put(store, StoreFolder.Content(12, 3000));
        Assert.Equal(3000, store.Used);
        Assert.Null(store.Find(ids[2]));
    }

    [Fact]
    public void What_began_to_arrive_counts_and_goes_first()
    {
        var store = _folder.Store(limit: 3000);
        var kept = StoreFolder.Put(store, StoreFolder.Content(1, 1000));
        var partial = StoreFolder.Content(2, 2000);
        using (var writer = store.BeginWrite(StoreFolder.Id(partial), 2000))
        {
            // Reserved as a whole from the beginning.
            Assert.Equal(3000, store.Used);
            writer!.Write(partial.AsSpan(0, 1500));
        }
        Assert.Equal(2500, store.Used);
        StoreFolder.Put(store, StoreFolder.Content(3, 1800));
        Assert.Equal(0, store.PartialLength(StoreFolder.Id(partial)));
        Assert.NotNull(store.Find(kept));
    }

    [Fact]
    public void A_copy_is_taken_of_the_right_file_only()
    {
        var content = StoreFolder.Content(1, 5000);
        var path = _folder.At("file.bin");
        File.WriteAllBytes(path, content);
        var store = _folder.Store();
        Assert.False(store.Adopt(StoreFolder.Id(StoreFolder.Content(2, 5000)), path));
        Assert.True(store.Adopt(StoreFolder.Id(content), path));
        File.Delete(path);
        Assert.Equal(content, File.ReadAllBytes(store.Find(StoreFolder.Id(content))!));
    }

    [Fact]
    public void A_file_outside_the_store_is_sent_on_only_until_it_changes()
    {
        var content = StoreFolder.Content(1, 100);
        var path = _folder.At("file.bin");
        File.WriteAllBytes(path, content);
        var store = _folder.Store();
        store.Offer(StoreFolder.Id(content), path);
        Assert.Equal(100, store.LengthOf(StoreFolder.Id(content)));
        Assert.Null(store.Find(StoreFolder.Id(content)));
        File.WriteAllBytes(path, StoreFolder.Content(2, 101));
        Assert.Null(store.LengthOf(StoreFolder.Id(content)));
        Assert.Null(store.OpenRead(StoreFolder.Id(content)));
    }
}
