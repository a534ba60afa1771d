using Akka.Actor;
using Akka.TestKit;
using InterpActors.Actors.Artifacts;
using InterpActors.Messages.Artifacts;

namespace InterpActors.Actors.Tests.Artifacts;

/// <summary>A node fetches from other nodes, some of them right, wrong, silent, or gone.</summary>
public sealed class ArtifactFetchTests() : ActorTestKit("""
    interp.artifacts { window = 3, parallel = 2, receivers = 2, piece-timeout = 400ms, patience = 3s }
    """)
{
    private const int Piece = ArtifactChunk.LargestLength;
    private readonly StoreFolder _folder = new();
    private readonly List<ICanTell> _others = [];
    private readonly List<ICanTell> _coordinators = [];

    protected override void AfterAll()
    {
        base.AfterAll();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_file_of_many_pieces_comes_once_however_many_ask()
    {
        var content = StoreFolder.Content(1, 5 * Piece + 77);
        var id = StoreFolder.Id(content);
        var asked = new List<long>();
        _others.Add(Source(content, asked: asked));
        var node = Node("a");

        NamedArtifact[] files = [new("w", id, content.Length)];
        var opened = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => node.Open("m", files, default))));

        Assert.All(opened, o => Assert.Equal(content, File.ReadAllBytes(Path.Combine(o.Path, "w"))));
        Assert.Equal(Enumerable.Range(0, 6).Select(i => (long)i * Piece), asked);
    }

    [Fact]
    public async Task A_source_that_falls_silent_is_left_and_its_bytes_are_kept()
    {
        var content = StoreFolder.Content(1, 6 * Piece);
        var id = StoreFolder.Id(content);
        _others.Add(Source(content, pieces: 4));
        var fetching = Task.Run(() => Node("a").Open("m", [new NamedArtifact("w", id, content.Length)], default));
        // Asked again after the first fell silent; by then there is another one.
        await Task.Delay(300);
        var second = new List<long>();
        _others.Add(Source(content, asked: second));
        using var opened = await fetching;
        Assert.Equal(content, File.ReadAllBytes(Path.Combine(opened.Path, "w")));
        Assert.Equal([4L * Piece, 5L * Piece], second.Distinct().Order());
    }

    [Fact]
    public void Wrong_bytes_are_thrown_away_and_another_source_is_asked()
    {
        var content = StoreFolder.Content(1, 2 * Piece);
        var wrong = StoreFolder.Content(2, 2 * Piece);
        _others.Add(Source(wrong, StoreFolder.Id(content)));
        _others.Add(Source(content));
        _others.Add(Source(wrong, StoreFolder.Id(content)));
        using var opened = Node("a").Open("m", [new NamedArtifact("w", StoreFolder.Id(content), content.Length)], default);
        Assert.Equal(content, File.ReadAllBytes(Path.Combine(opened.Path, "w")));
    }

    [Fact]
    public void Where_every_source_is_wrong_it_fails_in_words_and_keeps_nothing()
    {
        var content = StoreFolder.Content(1, Piece);
        _others.Add(Source(StoreFolder.Content(2, Piece), StoreFolder.Id(content)));
        var node = Node("a");
        NamedArtifact[] files = [new("w", StoreFolder.Id(content), Piece)];
        var failed = Assert.Throws<ArtifactException>(() => node.Open("m", files, default));
        Assert.Contains("not what it says", failed.Message, StringComparison.Ordinal);
        Assert.Equal(0, node.Store.Used);
    }

    [Fact]
    public void Where_nobody_has_it_it_fails_in_words_after_some_time_and_a_waiter_may_leave_before()
    {
        _others.Add(CreateTestProbe().Ref);
        var node = Node("a");
        NamedArtifact[] files = [new("config.json", StoreFolder.Id([1]), 1)];
        using var cancelled = new CancellationTokenSource(200);
        Assert.ThrowsAny<OperationCanceledException>(() => node.Open("m", files, cancelled.Token));
        var failed = Assert.Throws<ArtifactException>(() => node.Open("m", files, default));
        Assert.Contains("config.json", failed.Message, StringComparison.Ordinal);
        Assert.Contains("no node", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_serves_so_many_at_a_time_and_never_more_than_a_piece()
    {
        var content = StoreFolder.Content(1, 3 * Piece);
        var store = _folder.Store("source");
        var id = StoreFolder.Put(store, content);
        var node = Sys.ActorOf(ArtifactNode.Props(store, ArtifactSettings.From(Sys.Settings.Config), () => []));
        var probes = Enumerable.Range(0, 3).Select(_ => CreateTestProbe()).ToArray();
        foreach (var probe in probes[..2])
        {
            node.Tell(new ReadArtifact(id, Piece, int.MaxValue), probe);
            Assert.Equal(content[Piece..(2 * Piece)], (await probe.ExpectMsgAsync<ArtifactChunk>()).Content);
        }
        node.Tell(new FindArtifact(id), probes[2]);
        Assert.True((await probes[2].ExpectMsgAsync<ArtifactFound>()).Busy);
        node.Tell(new FindArtifact(id), probes[0]);
        Assert.False((await probes[0].ExpectMsgAsync<ArtifactFound>()).Busy);
        foreach (var offset in new[] { -1L, content.Length, long.MaxValue })
        {
            node.Tell(new ReadArtifact(id, offset, 1), probes[0]);
            await probes[0].ExpectMsgAsync<ArtifactMissing>();
        }
        node.Tell(new FindArtifact(StoreFolder.Id([9])), probes[0]);
        await probes[0].ExpectMsgAsync<ArtifactMissing>();
    }

    [Fact]
    public void What_a_node_has_made_is_kept_by_a_coordinator_for_good()
    {
        var content = StoreFolder.Content(1, 2 * Piece + 5);
        var id = StoreFolder.Id(content);
        var path = _folder.At("made.bin");
        File.WriteAllBytes(path, content);
        NamedArtifact[] files = [new("made.bin", id, content.Length)];
        var worker = Node("worker");
        var alone = Assert.Throws<ArtifactException>(() => worker.Keep(files, false, default));
        Assert.Contains("none answers", alone.Message, StringComparison.Ordinal);
        using var leaving = new CancellationTokenSource(200);
        Assert.ThrowsAny<OperationCanceledException>(() => worker.Keep(files, true, leaving.Token));

        var store = _folder.Store("coordinator", limit: content.Length);
        var workersOwn = Sys.ActorSelection("/user/" + ArtifactNode.Name);
        _coordinators.Add(CreateTestProbe().Ref);
        _coordinators.Add(Sys.ActorOf(ArtifactNode.Props(store, ArtifactSettings.From(Sys.Settings.Config), () => [workersOwn])));
        worker.Offer(id, path);
        worker.Keep(files, true, default);
        worker.Keep(files, true, default);

        File.Delete(path);
        Assert.Equal(content, File.ReadAllBytes(store.Find(id)!));
        Assert.Equal(0, store.Used);
        store = _folder.Store("coordinator", limit: content.Length);
        StoreFolder.Put(store, StoreFolder.Content(2, content.Length));
        Assert.NotNull(store.Find(id));
    }

    [Fact]
    public void A_coordinator_that_computes_takes_a_copy_of_its_own_and_one_that_is_full_says_so()
    {
        var content = StoreFolder.Content(1, 1000);
        var id = StoreFolder.Id(content);
        var path = _folder.At("made.bin");
        File.WriteAllBytes(path, content);
        NamedArtifact[] files = [new("made.bin", id, content.Length)];
        var own = Node("own");
        _coordinators.Add(Sys.ActorSelection("/user/" + ArtifactNode.Name));
        own.Offer(id, path);
        own.Store.Limit = 10;
        var full = Assert.Throws<ArtifactException>(() => own.Keep(files, false, default));
        Assert.Contains("cache-limit", full.Message, StringComparison.Ordinal);
        own.Store.Limit = 1000;
        own.Keep(files, false, default);
        File.Delete(path);
        Assert.NotNull(own.Store.Find(id));
        Assert.Equal(1000, own.Store.Used);
    }

    [Fact]
    public void Pieces_of_a_source_of_another_version_may_be_shorter()
    {
        var content = StoreFolder.Content(1, 2 * Piece + 9);
        _others.Add(Source(content, longest: 10_000));
        using var opened = Node("a").Open("m", [new NamedArtifact("w", StoreFolder.Id(content), content.Length)], default);
        Assert.Equal(content, File.ReadAllBytes(Path.Combine(opened.Path, "w")));
    }

    private NodeArtifacts Node(string name)
    {
        var node = new NodeArtifacts(_folder.At(name));
        node.Join(Sys, () => [.. _others], () => [.. _coordinators]);
        return node;
    }

    /// <summary>A node that has a file, or what it says is the file.</summary>
    /// <param name="pieces">It falls silent after so many.</param>
    /// <param name="longest">Of its pieces.</param>
    private IActorRef Source(
        byte[] content, ArtifactId? called = null, int pieces = int.MaxValue, List<long>? asked = null, int longest = Piece)
    {
        var id = called ?? StoreFolder.Id(content);
        var probe = CreateTestProbe();
        var sent = 0;
        probe.SetAutoPilot(new DelegateAutoPilot((sender, message) =>
        {
            if (sent >= pieces) return AutoPilot.KeepRunning;
            switch (message)
            {
                case FindArtifact m when m.Artifact == id:
                    sender.Tell(new ArtifactFound(id, content.Length, false), probe.Ref);
                    break;
                case ReadArtifact m:
                    sent++;
                    asked?.Add(m.Offset);
                    var end = (int)Math.Min(m.Offset + Math.Min(m.Length, longest), content.Length);
                    sender.Tell(new ArtifactChunk(id, m.Offset, content[(int)m.Offset..end]), probe.Ref);
                    break;
            }
            return AutoPilot.KeepRunning;
        }));
        return probe.Ref;
    }
}
