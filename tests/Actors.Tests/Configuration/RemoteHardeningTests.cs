using System.Buffers.Binary;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Configuration;
using Akka.TestKit.Xunit2;
using InterpActors.Actors.Configuration;
using InterpActors.Messages.Cluster;

namespace InterpActors.Actors.Tests.Configuration;

/// <summary>
/// What another process can do to a node once it has a connection: send it messages of the wire format, and nothing else.
/// </summary>
public sealed class RemoteHardeningTests() : TestKit(HoconFolder.Load(HoconFolder.Default, HoconFolder.ComputeMember, Quiet))
{
    private const string Quiet = """
        akka.actor.provider = "Akka.Remote.RemoteActorRefProvider, Akka.Remote"
        akka.loggers = ["Akka.Event.DefaultLogger, Akka"]
        akka.test.single-expect-default = 10s

        """;

    /// <summary>A type that Akka's own fallback would send under its full name.</summary>
    private sealed record Foreign(string Text);

    /// <summary>Another process, with nothing of ours but the wire format.</summary>
    private static ActorSystem Stranger() => ActorSystem.Create("stranger", ConfigurationFactory.ParseString("""
        akka.actor {
          provider = remote
          serializers.wire = "InterpActors.Messages.Serialization.WireSerializer, InterpActors.Messages"
          serialization-bindings { "InterpActors.Messages.Cluster.IWireMessage, InterpActors.Messages" = wire }
        }
        akka.remote.dot-netty.tcp { hostname = "127.0.0.1", port = 0 }
        akka { loglevel = OFF, stdout-loglevel = OFF }
        """));

    private Address Here => ((ExtendedActorSystem)Sys).Provider.DefaultAddress;

    [Fact]
    public async Task Only_wire_messages_arrive()
    {
        using var stranger = Stranger();
        var target = ((ExtendedActorSystem)stranger).Provider.ResolveActorRef(TestActor.Path.ToSerializationFormatWithAddress(Here));

        target.Tell(new ListStudies());
        await ExpectMsgAsync<ListStudies>();
        target.Tell(new Foreign("by type name"));
        target.Tell(PoisonPill.Instance);
        target.Tell(Kill.Instance);
        target.Tell(new ListStudies());

        await ExpectMsgAsync<ListStudies>();
        await ExpectNoMsgAsync(TimeSpan.FromMilliseconds(300));
        await stranger.Terminate();
    }

    [Fact]
    public async Task Actors_are_looked_up_only_where_the_cluster_needs_it_and_none_are_deployed()
    {
        using var stranger = Stranger();
        var here = Here;
        Sys.ActorOf(Props.Create(() => new Forwarder(TestActor)), "coordinator");
        Sys.ActorOf(Props.Create(() => new Forwarder(TestActor)), "other");
        await Assert.ThrowsAsync<ActorNotFoundException>(() =>
            stranger.ActorSelection($"{here}/user/other").ResolveOne(TimeSpan.FromMilliseconds(500)));

        stranger.ActorSelection($"{here}/user/other").Tell(new ListStudies());
        stranger.ActorOf(Props.Create<Deployed>().WithDeploy(new Deploy(new RemoteScope(here))), "deployed").Tell(new ListStudies());
        await ExpectNoMsgAsync(TimeSpan.FromMilliseconds(500));
        Assert.False(Deployed.Lives);

        stranger.ActorSelection($"{here}/user/coordinator").Tell(new GetWorkers());
        await ExpectMsgAsync<GetWorkers>();
        await stranger.Terminate();
    }

    [Fact]
    public async Task A_frame_larger_than_allowed_closes_the_connection_unread()
    {
        using var socket = new TcpClient("127.0.0.1", Here.Port!.Value);
        var header = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(header, 1 << 30);
        await socket.GetStream().WriteAsync(header);
        var closed = false;
        try
        {
            var chunk = new byte[1 << 16];
            for (var i = 0; i < 1024; i++) await socket.GetStream().WriteAsync(chunk);
            closed = await socket.GetStream().ReadAsync(chunk) == 0;
        }
        catch (IOException)
        {
            closed = true;
        }
        Assert.True(closed);
    }

    private sealed class Deployed : ReceiveActor
    {
        public static volatile bool Lives;

        public Deployed() => Lives = true;
    }

    private sealed class Forwarder : ReceiveActor
    {
        public Forwarder(IActorRef to) => ReceiveAny(to.Tell);
    }
}
