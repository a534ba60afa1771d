using Akka.Actor;
using Akka.Cluster;
using InterpActors.Actors.Configuration;

namespace InterpActors.Host.Hosting;

/// <summary>
/// Keeps the other members' addresses in a file, so that a node that was killed finds its cluster again: a first seed node that knew only
/// itself would found a second one, and both would wait for each other for ever. Coordinators are kept when they are lost, until they
/// leave: after a partition there may be a cluster around each of them.
/// </summary>
internal sealed class MemberMemory : ReceiveActor
{
    private const string CoordinatorMark = " coordinator";

    /// <summary>Coordinators that did not come back make room for later ones.</summary>
    private const int MostCoordinators = 8;

    private readonly Cluster _cluster = Cluster.Get(Context.System);
    private readonly string _file;
    private readonly List<string> _coordinators;

    public MemberMemory(string file)
    {
        _file = file;
        _coordinators = [.. ReadCoordinators(file)];
        Receive<ClusterEvent.IMemberEvent>(e =>
        {
            if (e.Member.HasRole(ClusterMembers.CoordinatorRole) && e.Member.Address != _cluster.SelfAddress)
            {
                var address = ClusterMembers.HostPort(e.Member.Address)!;
                _coordinators.Remove(address);
                if (e is not ClusterEvent.MemberRemoved { PreviousStatus: MemberStatus.Exiting }) _coordinators.Add(address);
                if (_coordinators.Count > MostCoordinators) _coordinators.RemoveAt(0);
            }
            Write();
        });
    }

    /// <summary>What the file says, as <c>host:port</c>; nothing where there is none.</summary>
    public static IReadOnlyList<string> Read(string file) => [.. Lines(file).Select(l => l.Split(' ')[0])];

    /// <summary>The coordinators among them.</summary>
    public static IReadOnlyList<string> ReadCoordinators(string file) =>
        [.. Lines(file).Where(l => l.EndsWith(CoordinatorMark, StringComparison.Ordinal)).Select(l => l.Split(' ')[0])];

    protected override void PreStart() => _cluster.Subscribe(Self, ClusterEvent.InitialStateAsEvents, typeof(ClusterEvent.IMemberEvent));

    protected override void PostStop() => _cluster.Unsubscribe(Self);

    private static IEnumerable<string> Lines(string file)
    {
        try
        {
            return File.Exists(file) ? File.ReadAllLines(file).Where(l => l.Length > 0) : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private void Write()
    {
        // Not on the way out: what is left then is no cluster to come back to.
        if (_cluster.SelfMember.Status is not (MemberStatus.Up or MemberStatus.WeaklyUp)) return;
        var others = _cluster.State.Members.Where(m => m.Address != _cluster.SelfAddress).Select(m => ClusterMembers.HostPort(m.Address)!);
        var lines = others.Except(_coordinators).Concat(_coordinators.Select(c => c + CoordinatorMark)).Order(StringComparer.Ordinal);
        var whole = _file + ".tmp";
        try
        {
            File.WriteAllLines(whole, lines);
            File.Move(whole, _file, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A full disk: the seed nodes that the node was started with are left.
        }
    }
}
