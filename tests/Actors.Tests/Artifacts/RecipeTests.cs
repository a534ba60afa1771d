using Akka.Actor;
using Akka.Configuration;
using Akka.TestKit;
using InterpActors.Actors.Artifacts;
using InterpActors.Actors.Compute;
using InterpActors.Messages.Artifacts;
using InterpActors.Messages.Cluster;

namespace InterpActors.Actors.Tests.Artifacts;

/// <summary>Files that come out the same whoever makes them: one node makes each, the others have it from there.</summary>
public sealed class RecipeTests() : ActorTestKit("""
    interp.artifacts { window = 3, parallel = 2, receivers = 8, piece-timeout = 400ms, patience = 3s }
    """)
{
    private const string Key = "0123456789abcdef";
    private const int Piece = ArtifactChunk.LargestLength;
    private static readonly byte[] Right = StoreFolder.Content(1, 3 * Piece + 7);
    private readonly StoreFolder _folder = new();
    private readonly List<ICanTell> _others = [];
    private readonly List<ActorSystem> _systems = [];
    private int _made;

    protected override void AfterAll()
    {
        foreach (var system in _systems) Shutdown(system);
        base.AfterAll();
        _folder.Dispose();
    }

    [Fact]
    public async Task What_nobody_has_is_made_here_and_others_wait_for_it_have_it_and_learn_when_it_is_gone()
    {
        var node = Node("a");
        var path = Target("a");
        var asker = CreateTestProbe();
        using var go = new ManualResetEventSlim();
        Ask(asker);
        await asker.ExpectMsgAsync<RecipeUnknown>();

        var making = Task.Run(() => node.Bring(Recipe(p =>
        {
            go.Wait();
            File.WriteAllBytes(p, Right);
        }), path, default));
        await AwaitAssertAsync(async () =>
        {
            Ask(asker);
            await asker.ExpectMsgAsync<RecipeBegun>();
        });
        go.Set();
        Assert.True(await making);

        Ask(asker);
        Assert.Equal(new RecipeMade(Key, StoreFolder.Id(Right), Right.Length, false), await asker.ExpectMsgAsync<RecipeMade>());
        Sys.ActorSelection("/user/" + ArtifactNode.Name).Tell(new ReadArtifact(StoreFolder.Id(Right), Piece, Piece), asker);
        Assert.Equal(Right[Piece..(2 * Piece)], (await asker.ExpectMsgAsync<ArtifactChunk>()).Content);

        // Its owner needed the room.
        File.Delete(path);
        Ask(asker);
        await asker.ExpectMsgAsync<RecipeUnknown>();
    }

    [Fact]
    public void What_another_node_has_comes_from_there_takes_no_room_twice_and_is_passed_on()
    {
        _others.Add(Holder("b", Right));
        var node = Node("a");
        Assert.False(node.Bring(Recipe(), Target("a"), default));

        CheckMade(0);
        Assert.Equal(0, node.Store.Used);
        Assert.Equal([Target("a")], Directory.EnumerateFiles(_folder.At("a-made")));
        var asker = CreateTestProbe();
        Ask(asker);
        Assert.Equal(StoreFolder.Id(Right), asker.ExpectMsg<RecipeMade>().Artifact);
    }

    [Fact]
    public async Task What_another_node_is_making_is_waited_for()
    {
        var store = _folder.Store("b");
        var files = new MadeFiles(store);
        _others.Add(Sys.ActorOf(ArtifactNode.Props(store, ArtifactSettings.From(Sys.Settings.Config), () => [], files)));
        var turn = files.Take(Key);
        Assert.True(turn.Begin());
        var bringing = Task.Run(() => Node("a").Bring(Recipe(), Target("a"), default));
        Assert.NotSame(bringing, await Task.WhenAny(bringing, Task.Delay(500)));

        File.WriteAllBytes(Target("b"), Right);
        files.OfferNew(Key, Target("b"));
        turn.Dispose();
        Assert.False(await bringing);
        CheckMade(0);
    }

    [Fact]
    public void A_maker_that_falls_silent_is_not_waited_for()
    {
        var asked = 0;
        _others.Add(Answering(m => m is SeekRecipe && ++asked <= 3 ? new RecipeBegun(Key) : null));
        Assert.True(Node("a").Bring(Recipe(), Target("a"), default));
        CheckMade(1);
        Assert.Equal(4, asked);
    }

    [Fact]
    public void A_maker_that_takes_too_long_is_waited_for_only_so_long_and_a_waiter_may_leave_before()
    {
        _others.Add(Answering(m => m is SeekRecipe ? new RecipeBegun(Key) : null));
        var node = Node("a");
        using var leaving = new CancellationTokenSource(200);
        Assert.ThrowsAny<OperationCanceledException>(() => node.Bring(Recipe(), Target("a"), leaving.Token));
        Assert.Equal(0, _made);
        Assert.True(node.Bring(Recipe(), Target("a"), default));
        CheckMade(1);
    }

    [Fact]
    public void Bytes_that_are_not_what_their_name_says_are_had_from_another_node_or_made()
    {
        var node = Node("a");
        _others.Add(Liar(StoreFolder.Id(Right)));
        Assert.True(node.Bring(Recipe(), Target("a"), default));
        Assert.Equal(Right, File.ReadAllBytes(Target("a")));

        File.Delete(Target("a"));
        _others.Add(Holder("b", Right));
        Assert.False(node.Bring(Recipe(), Target("a"), default));
        CheckMade(1);
    }

    [Fact]
    public void A_file_that_does_not_fit_its_recipe_is_not_taken()
    {
        _others.Add(Holder("b", StoreFolder.Content(2, 100)));
        Assert.True(Node("a").Bring(Recipe(), Target("a"), default));
        CheckMade(1);
    }

    [Fact]
    public void Where_the_store_has_no_room_it_is_made()
    {
        _others.Add(Holder("b", Right));
        var node = Node("a");
        node.Store.Limit = 100;
        Assert.True(node.Bring(Recipe(), Target("a"), default));
        CheckMade(1);
    }

    [Fact]
    public async Task A_node_that_was_started_again_has_what_it_had_unless_it_changes()
    {
        var path = Path.Combine(Directory.CreateDirectory(_folder.At("units/harvest")).FullName, Key + ".safetensors");
        File.WriteAllBytes(path, Right);
        UnitFiles.Offer(_folder.At("units"), Node("b"));
        var asker = CreateTestProbe();
        // Nobody has read it yet.
        Ask(asker);
        await asker.ExpectMsgAsync<RecipeBegun>();
        await AwaitAssertAsync(async () =>
        {
            Ask(asker);
            Assert.Equal(StoreFolder.Id(Right), (await asker.ExpectMsgAsync<RecipeMade>()).Artifact);
        });
        File.WriteAllBytes(path, StoreFolder.Content(3, 10));
        Ask(asker);
        await asker.ExpectMsgAsync<RecipeUnknown>();
    }

    [Fact]
    public async Task Of_nodes_that_want_it_at_the_same_moment_one_makes_it()
    {
        var everybody = new List<ICanTell>();
        var nodes = new List<NodeArtifacts>();
        for (var i = 0; i < 4; i++)
        {
            var system = ActorSystem.Create($"n{i}",
                ConfigurationFactory.ParseString("interp.artifacts.patience = 60s").WithFallback(Sys.Settings.Config));
            _systems.Add(system);
            var self = system.ActorSelection("/user/" + ArtifactNode.Name);
            everybody.Add(self);
            nodes.Add(new NodeArtifacts(_folder.At($"n{i}")));
            nodes[i].Join(system, () => [.. everybody.Where(o => o != self)], () => []);
        }
        for (var round = 0; round < 20; round++)
        {
            var recipe = Recipe() with { Key = $"round{round}" };
            // On threads of their own, as engines are.
            var brought = await Task.WhenAll(nodes.Select((n, i) => Task.Factory.StartNew(
                () => n.Bring(recipe, Target($"n{i}", round), default), default, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
            Assert.Single(brought, made => made);
            for (var i = 0; i < 4; i++) Assert.Equal(Right, File.ReadAllBytes(Target($"n{i}", round)));
        }
    }

    private void CheckMade(int times)
    {
        Assert.Equal(Right, File.ReadAllBytes(Target("a")));
        Assert.Equal(times, _made);
    }

    private void Ask(TestProbe asker) => Sys.ActorSelection("/user/" + ArtifactNode.Name).Tell(new SeekRecipe(Key, -1), asker);

    private Recipe Recipe(Action<string>? make = null) => new(Key, make ?? (path =>
    {
        Interlocked.Increment(ref _made);
        File.WriteAllBytes(path, Right);
    }), path => new FileInfo(path).Length == Right.Length);

    private string Target(string node, int round = 0) =>
        Path.Combine(Directory.CreateDirectory(_folder.At(node + "-made")).FullName, $"{round}.bin");

    private NodeArtifacts Node(string name)
    {
        var node = new NodeArtifacts(_folder.At(name));
        node.Join(Sys, () => [.. _others], () => []);
        return node;
    }

    /// <summary>A node that has made something.</summary>
    private IActorRef Holder(string name, byte[] content)
    {
        var store = _folder.Store(name);
        var files = new MadeFiles(store);
        File.WriteAllBytes(Target(name), content);
        files.OfferNew(Key, Target(name));
        return Sys.ActorOf(ArtifactNode.Props(store, ArtifactSettings.From(Sys.Settings.Config), () => [], files));
    }

    /// <summary>A node that says it has a file, and sends another one.</summary>
    private IActorRef Liar(ArtifactId id) => Answering(m => m switch
    {
        SeekRecipe => new RecipeMade(Key, id, Right.Length, false),
        FindArtifact => new ArtifactFound(id, Right.Length, false),
        ReadArtifact read => new ArtifactChunk(id, read.Offset, new byte[read.Length]),
        _ => null,
    });

    private IActorRef Answering(Func<object, IWireMessage?> answer)
    {
        var probe = CreateTestProbe();
        probe.SetAutoPilot(new DelegateAutoPilot((sender, message) =>
        {
            if (answer(message) is { } reply) sender.Tell(reply, probe.Ref);
            return AutoPilot.KeepRunning;
        }));
        return probe.Ref;
    }
}
