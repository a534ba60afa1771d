using Akka.Actor;
using Akka.Cluster;
using InterpActors.Actors.Configuration;

namespace InterpActors.Host.Hosting;

/// <summary>
/// Keeps the other members' addresses in a file, so that a node that was killed finds its cluster again: a first seed node that knew only
/// itself would found a second one, and both would wait for each other for ever.
/// </summary>
internal sealed class MemberMemory : ReceiveActor
{
    private readonly Cluster _cluster = Cluster.Get(Context.System);
    private readonly string _file;

    public MemberMemory(string file)
    {
        _file = file;
        Receive<ClusterEvent.IMemberEvent>(_ => Write());
    }

    /// <summary>What the file says, as <c>host:port</c>; nothing where there is none.</summary>
    public static IReadOnlyList<string> Read(string file) => File.Exists(file) ? [.. File.ReadAllLines(file).Where(l => l.Length > 0)] : [];

    protected override void PreStart() => _cluster.Subscribe(Self, ClusterEvent.InitialStateAsEvents, typeof(ClusterEvent.IMemberEvent));

    protected override void PostStop() => _cluster.Unsubscribe(Self);

    private void Write()
    {
        // Not on the way out: what is left then is no cluster to come back to.
        if (_cluster.SelfMember.Status is not (MemberStatus.Up or MemberStatus.WeaklyUp)) return;
        var others = _cluster.State.Members.Where(m => m.Address != _cluster.SelfAddress).Select(m => ClusterMembers.HostPort(m.Address)!).Order();
        var whole = _file + ".tmp";
        try
        {
            File.WriteAllLines(whole, others);
            File.Move(whole, _file, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A full disk: the seed nodes that the node was started with are left.
        }
    }
}
