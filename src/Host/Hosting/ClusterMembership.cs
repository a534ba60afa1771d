using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Cluster;
using Akka.Configuration;
using Akka.Hosting;
using Akka.Remote.Transport.DotNetty;
using InterpActors.Actors.Compute;
using InterpActors.Actors.Configuration;
using InterpActors.Actors.Coordination;
using InterpActors.Host.Certificates;
using InterpActors.Messages.Studies;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace InterpActors.Host.Hosting;

/// <summary>One actor system's life as a member, from joining to leaving or to being removed by the others.</summary>
internal sealed class ClusterMembership
{
    /// <summary>A node whose cluster runs is let in within a few seconds.</summary>
    private static readonly TimeSpan BeforeSayingWhy = TimeSpan.FromSeconds(12);

    private static readonly TimeSpan Glance = TimeSpan.FromSeconds(1);

    /// <summary>Those who are Up agree within seconds; dead ones are removed within ten.</summary>
    private static readonly TimeSpan StuckAfter = TimeSpan.FromSeconds(30);

    private readonly IHost _host;
    private readonly ActorSystem _system;
    private readonly ClusterNodeOptions _options;
    private readonly ConnectionTrouble _trouble;
    private volatile bool _leaving;
    private long? _welcomed;

    private ClusterMembership(ClusterNodeOptions options, IHost host, ConnectionTrouble trouble)
    {
        _options = options;
        _host = host;
        _trouble = trouble;
        _system = host.Services.GetRequiredService<ActorSystem>();
        Cluster = Cluster.Get(_system);
        Coordinator = host.Services.GetRequiredService<ActorRegistry>().Get<Coordinator>();
    }

    public Cluster Cluster { get; }

    /// <summary>The way to the cluster's coordinator, wherever it is.</summary>
    public IActorRef Coordinator { get; }

    public Address Address => Cluster.SelfAddress;

    /// <summary>The node's settings.</summary>
    public Config Settings => _system.Settings.Config;

    /// <summary>Ends with the actor system, whatever ended it.</summary>
    public Task Ended => _system.WhenTerminated;

    /// <summary>Starts an actor system; it has joined nothing yet.</summary>
    /// <param name="port">0 for a free one.</param>
    /// <exception cref="StudyException">The configuration is wrong or the address cannot be used.</exception>
    public static async Task<ClusterMembership> StartAsync(ClusterNodeOptions options, int port)
    {
        CheckAddress(options.Host, port);
        var trouble = new ConnectionTrouble(options);
        try
        {
            return new ClusterMembership(options, await Start(options, port, trouble), trouble);
        }
        catch (Exception e) when (e is not (StudyException or OperationCanceledException))
        {
            while (e.InnerException is { } inner) e = inner;
            throw new StudyException($"the node cannot be started ({e.Message})", null, "check its settings and --config and --set", e);
        }
    }

    /// <summary>How long a node that was a member of a cluster before looks for it before it founds another one.</summary>
    private static string FindCluster(ClusterNodeOptions options, int port)
    {
        if (!options.IsCoordinator || MemberMemory.Read(options.MembersFile).Count == 0) return "";
        var patience = Founds(options, $"{options.Host}:{port}") ? "find-cluster" : "found-anyway";
        return $"akka.cluster.seed-node-timeout = ${{interp.node.{patience}}}\n";
    }

    private static async Task<IHost> Start(ClusterNodeOptions options, int port, ConnectionTrouble trouble)
    {
        Config config;
        try
        {
            config = HoconFolder.Load(
                HoconFolder.Default, options.IsCoordinator ? HoconFolder.Coordinator(options.Journal) : HoconFolder.ComputeMember,
                options.Configuration + "\n"
                + HoconFolder.Set("interp.log-file", options.LogFile)
                + HoconFolder.Set("interp.journal.connection-string", options.IsCoordinator ? options.Journal.ConnectionString : "")
                + HoconFolder.Set("akka.remote.dot-netty.tcp.hostname", options.Host)
                + HoconFolder.Set("akka.remote.dot-netty.tcp.port", port.ToString(CultureInfo.InvariantCulture))
                + HoconFolder.Set("akka.cluster.app-version", NodeVersion.Mine.Announced)
                + $"akka.cluster.roles = [{string.Join(", ", options.Roles)}]\n"
                + FindCluster(options, port)
                + options.Overrides
                // Last: no setting takes the certificates away.
                + (options.Identity is null ? "" : "akka.remote.dot-netty.tcp.enable-ssl = on\n"));
        }
        catch (Exception e) when (e is FormatException or ConfigurationException or InvalidOperationException)
        {
            throw new StudyException($"the configuration cannot be read: {e.Message}", null, "check --config and --set", e);
        }
        return await ActorHost.StartAsync(config, akka =>
        {
            if (options.Identity is { } identity) akka.AddSetup(Encryption(identity, trouble));
            akka.WithActors((system, _) => system.ActorOf(Props.Create(() => new ConnectionWatch(trouble)), "connections"));
            if (options.IsCoordinator) akka.AddClusterCoordinator(options.Planner, options.Journal);
            else akka.AddCoordinatorProxy();
            akka.AddLoadReporter(options.Computes ? new DeviceMemory(options.Devices, new NvidiaCards()).Read : () => []);
            if (options.Computes) akka.AddWorkerPorts().AddScratchKeeper(options.UnitsFolder);
            akka.WithActors((system, _) => system.ActorOf(Props.Create(() => new MemberMemory(options.MembersFile)), "members"));
            if (options.Artifacts is not { } artifacts) return;
            akka.WithActors((system, _) => artifacts.Join(system));
            if (options.Computes) _ = Task.Run(() => UnitFiles.Offer(options.UnitsFolder, artifacts));
        });
    }

    private static DotNettySslSetup Encryption(NodeIdentity identity, ConnectionTrouble trouble) => new(
        identity.Certificate, suppressValidation: false, requireMutualAuthentication: true,
        (certificate, _, peer, _, _) => trouble.Accepts(identity, certificate, peer));

    /// <summary>Before the actor system tries it, which would print a page about it.</summary>
    private static void CheckAddress(string host, int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.TryParse(host, out var address) ? address : Dns.GetHostAddresses(host)[0], port);
            listener.Start();
        }
        catch (Exception e) when (e is SocketException or ArgumentException or IndexOutOfRangeException)
        {
            throw new StudyException($"{host}:{port} cannot be listened on ({e.Message})", null, "choose another --host or --port", e);
        }
    }

    /// <summary>Whether a node founds a cluster where it finds none.</summary>
    /// <param name="self">Its address.</param>
    public static bool Founds(ClusterNodeOptions options, string self) =>
        options.IsCoordinator && (options.Seeds.Count == 0 || options.Seeds[0] == self);

    /// <summary>Joins, and returns once this member is Up.</summary>
    /// <returns>False where it was let in and those who did are gone: it has to begin anew.</returns>
    /// <exception cref="StudyException">None of the seed nodes let it in.</exception>
    public async Task<bool> JoinAsync(IReadOnlyList<string> seeds, IReadOnlyList<string> remembered, CancellationToken cancellation)
    {
        var self = ClusterMembers.HostPort(Address)!;
        // A coordinator that belongs to a cluster founds it anew where nobody of it can be found: those who can may be gone for good.
        var founds = Founds(_options with { Seeds = seeds }, self) || (_options.IsCoordinator && remembered.Count > 0);
        var others = seeds.Concat(remembered).Where(m => m != self);
        var known = (founds ? others.Prepend(self) : others).Distinct().ToArray();
        if (known.Length == 0)
            throw new StudyException(
                $"the only seed node is this node itself ({self}), and a node that is no coordinator founds no cluster",
                "--seed-node", "name another one");
        if (_options.Identity is { } identity)
        {
            var passing = await new PeerCheck(identity, _trouble).PassAsync([.. known.Where(m => m != self)], cancellation);
            known = [.. known.Where(m => m == self || passing.Contains(m))];
            if (known.Length == 0) throw NotLetIn(seeds);
        }
        var up = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Cluster.RegisterOnMemberUp(() => up.TrySetResult());
        Cluster.JoinSeedNodes(known.Select(m => ParseAddress(m).WithProtocol(Address.Protocol)));
        var over = Task.WhenAny(up.Task, Ended);
        if (await Task.WhenAny(over, Task.Delay(BeforeSayingWhy, cancellation)) != over)
        {
            cancellation.ThrowIfCancellationRequested();
            _options.Say($"still waiting for {string.Join(", ", seeds)} to let this node in{_trouble.Words}");
        }
        while (!over.IsCompleted)
        {
            await Task.WhenAny(over, Task.Delay(Glance, cancellation));
            cancellation.ThrowIfCancellationRequested();
            if (!over.IsCompleted && IsStuck()) return false;
        }
        if (!up.Task.IsCompleted)
            throw NotLetIn(seeds);
        if (ClusterMembers.Stranger(Cluster) is { } stranger)
            throw new StudyException(
                $"{ClusterMembers.HostPort(stranger.Address)} runs version {NodeVersion.Parse(stranger.AppVersion.Version)}, "
                + $"whose messages this node ({NodeVersion.Parse(Cluster.SelfMember.AppVersion.Version)}) does not understand",
                null, "upgrade within one major version node by node, to another one all at once");
        return true;
    }

    private StudyException NotLetIn(IReadOnlyList<string> seeds) => new(
        $"no seed node let this node in ({string.Join(", ", seeds)}){_trouble.Words}",
        null, _options.Identity is null ? "check that one of them runs and can be reached"
            : "check that one of them runs, can be reached, and trusts the authority of this node's certificate (it says whom it refuses)");

    /// <summary>Let in long ago and not Up yet: the others did not agree on it, and perhaps never will.</summary>
    private bool IsStuck()
    {
        if (Cluster.State.Members.All(m => m.Address != Address)) return false;
        _welcomed ??= Stopwatch.GetTimestamp();
        return Stopwatch.GetElapsedTime(_welcomed.Value) > StuckAfter;
    }

    /// <summary>
    /// Gives the workers the way to this membership's cluster; they finish or hand back their units when the node leaves it.
    /// </summary>
    public void Attach(ComputeSide compute)
    {
        compute.Join(_host.Services.GetRequiredService<ActorRegistry>().Get<WorkerPorts>());
        DrainBeforeLeaving(compute.Node);
    }

    /// <summary>Leaves in good order: units first, then the cluster, then the actors.</summary>
    /// <param name="forGood">The node does not come back: its units are finished or handed back.</param>
    public async Task LeaveAsync(bool forGood)
    {
        _leaving = forGood;
        var drain = _system.Settings.Config.GetTimeSpan("interp.node.drain");
        using var limit = new CancellationTokenSource(drain + TimeSpan.FromSeconds(60));
        try
        {
            await _host.StopAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            // An engine that does not come back from a unit holds its thread; the process ends without it.
        }
        _host.Dispose();
    }

    /// <exception cref="StudyException">It is not <c>HOST:PORT</c>.</exception>
    public static Address ParseAddress(string hostPort)
    {
        var colon = hostPort.LastIndexOf(':');
        if (colon < 1 || !int.TryParse(hostPort.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            || port is < 1 or > 65535)
            throw new StudyException($"'{hostPort}' is no address of a node", null, "write HOST:PORT, e.g. 10.0.0.1:4053");
        return new Address("akka.tcp", ActorHost.SystemName, hostPort[..colon], port);
    }

    private void DrainBeforeLeaving(IActorRef compute)
    {
        var drain = _system.Settings.Config.GetTimeSpan("interp.node.drain");
        CoordinatedShutdown.Get(_system).AddTask(CoordinatedShutdown.PhaseBeforeServiceUnbind, "drain", async () =>
        {
            // Removed by the others, or not let in: the units go with the node to where it joins next.
            if (!_leaving) return Akka.Done.Instance;
            try
            {
                await compute.Ask<Drained>(new Drain(drain), drain + TimeSpan.FromSeconds(5));
            }
            catch (AskTimeoutException)
            {
                // No coordinator acknowledges; the leases of this node will run out.
            }
            return Akka.Done.Instance;
        });
    }
}
