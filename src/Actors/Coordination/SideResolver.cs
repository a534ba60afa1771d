using System.Collections.Immutable;
using System.Diagnostics;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using Akka.Remote;
using InterpActors.Actors.Configuration;

namespace InterpActors.Actors.Coordination;

/// <summary>
/// Takes members out of the cluster that are dead or cut off. One whose machine refuses connections to its port is dead, and is out at
/// once: nobody waits for a process that was killed. One that only keeps silent may be cut off, frozen or overloaded; when that has not
/// changed for a while, the leader of each side decides by <see cref="Sides"/>. A compute node that the others have removed ends as well;
/// its host joins again.
/// </summary>
internal sealed class SideResolver : ReceiveActor, IWithTimers
{
    private sealed record Tick;

    private sealed record Probed(Member Member, bool Refused);

    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    /// <summary>For one answer of a port.</summary>
    private static readonly TimeSpan OneProbe = TimeSpan.FromSeconds(1);

    /// <summary>A connection may be refused by accident, but not twice.</summary>
    private static readonly TimeSpan BetweenProbes = TimeSpan.FromMilliseconds(300);

    private readonly Cluster _cluster;
    private readonly TimeSpan _stableAfter;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly HashSet<UniqueAddress> _probing = [];
    private ImmutableHashSet<UniqueAddress> _unreachable = [];
    private long _unchangedSince = Stopwatch.GetTimestamp();

    public SideResolver(Cluster cluster, TimeSpan stableAfter)
    {
        _cluster = cluster;
        _stableAfter = stableAfter;
        Receive<Tick>(_ => Look());
        Receive<ClusterEvent.UnreachableMember>(m => Probe(m.Member));
        Receive<DisassociatedEvent>(m =>
        {
            foreach (var member in _cluster.State.Members.Where(x => x.Address == m.RemoteAddress)) Probe(member);
        });
        Receive<Probed>(OnProbed);
        Receive<ThisActorSystemQuarantinedEvent>(OnQuarantined);
        ReceiveAny(_ => { });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(Cluster cluster, TimeSpan stableAfter) =>
        Akka.Actor.Props.Create(() => new SideResolver(cluster, stableAfter));

    protected override void PreStart()
    {
        _cluster.Subscribe(Self, ClusterEvent.InitialStateAsEvents, typeof(ClusterEvent.UnreachableMember));
        Context.System.EventStream.Subscribe(Self, typeof(DisassociatedEvent));
        Context.System.EventStream.Subscribe(Self, typeof(ThisActorSystemQuarantinedEvent));
        Timers.StartPeriodicTimer("tick", new Tick(), Every);
    }

    protected override void PostStop()
    {
        _cluster.Unsubscribe(Self);
        Context.System.EventStream.Unsubscribe(Self);
    }

    private static bool Counts(Member member) =>
        member.Status is MemberStatus.Joining or MemberStatus.WeaklyUp or MemberStatus.Up or MemberStatus.Leaving;

    private static bool Coordinates(Member member) => member.HasRole(ClusterMembers.CoordinatorRole);

    private void Look()
    {
        // One that is on its way out decides nothing about others.
        if (!Counts(_cluster.SelfMember)) return;
        var state = _cluster.State;
        var there = state.Unreachable.Where(Counts).ToArray();
        var now = there.Select(m => m.UniqueAddress).ToImmutableHashSet();
        if (!now.SetEquals(_unreachable)) (_unreachable, _unchangedSince) = (now, Stopwatch.GetTimestamp());
        foreach (var member in there) Probe(member);
        if (there.Length == 0 || Stopwatch.GetElapsedTime(_unchangedSince) < _stableAfter || state.Leader != _cluster.SelfAddress) return;
        var here = state.Members.Where(m => Counts(m) && !now.Contains(m.UniqueAddress)).ToArray();
        var active = ClusterMembers.Active(state.Members);
        var goesOn = Sides.GoesOn(SideOf(here, active), SideOf(there, active));
        _log.Warning("cannot reach {0}: {1}", Names(there), goesOn ? "goes on without" : $"{Names(here)} join again");
        // This node last: when it sees itself removed it does nothing more.
        foreach (var member in (goesOn ? there : here).OrderBy(m => m.Address == _cluster.SelfAddress)) _cluster.Down(member.Address);
    }

    private static Side SideOf(Member[] members, Member? active) => new(
        members.Count(m => m.Status is MemberStatus.Up or MemberStatus.Leaving), members.Count(Coordinates),
        active is not null && members.Contains(active));

    private void Probe(Member member)
    {
        if (!Counts(member) || member.UniqueAddress.Equals(_cluster.SelfUniqueAddress) || !_probing.Add(member.UniqueAddress)) return;
        RefusesAsync(member.Address).PipeTo(Self, success: refused => new Probed(member, refused), failure: _ => new Probed(member, false));
    }

    private void OnProbed(Probed m)
    {
        var node = m.Member.UniqueAddress;
        _probing.Remove(node);
        if (!m.Refused || !Counts(_cluster.SelfMember)) return;
        if (!_cluster.State.Members.Any(x => x.UniqueAddress.Equals(node) && Counts(x))) return;
        _log.Warning("{0} is dead: its port is closed", ClusterMembers.HostPort(node.Address));
        // As though its heartbeats had been missed already; else it would be down and still have to be waited for.
        if (((ExtendedActorSystem)Context.System).Provider is IRemoteActorRefProvider remote) remote.Quarantine(node.Address, node.Uid);
        _cluster.Down(node.Address);
    }

    /// <summary>Others have removed this node and tell it when it speaks to them.</summary>
    private void OnQuarantined(ThisActorSystemQuarantinedEvent m)
    {
        var state = _cluster.State;
        if (!Counts(_cluster.SelfMember)) return;
        if (state.Members.Any(x => Coordinates(x) && Counts(x) && !state.Unreachable.Contains(x))) return;
        _log.Warning("{0} has removed this node; joins again", ClusterMembers.HostPort(m.RemoteAddress));
        _cluster.Down(_cluster.SelfAddress);
    }

    private static async Task<bool> RefusesAsync(Address address)
    {
        if (!await RefusesOnceAsync(address)) return false;
        await Task.Delay(BetweenProbes);
        return await RefusesOnceAsync(address);
    }

    private static async Task<bool> RefusesOnceAsync(Address address)
    {
        using var limit = new CancellationTokenSource(OneProbe);
        using var socket = new TcpClient();
        try
        {
            await socket.ConnectAsync(address.Host!, address.Port!.Value, limit.Token);
            return false;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode == SocketError.ConnectionRefused;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static string Names(IEnumerable<Member> members) => string.Join(", ", members.Select(m => ClusterMembers.HostPort(m.Address)));
}
