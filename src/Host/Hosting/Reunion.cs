using System.Net.Sockets;
using Akka.Cluster;
using InterpActors.Actors.Configuration;

namespace InterpActors.Host.Hosting;

/// <summary>
/// Notices that a partition is over. A coordinator that was cut off founds a cluster of those on its side and goes on; the two clusters
/// know nothing of each other afterwards. So a node joins the other one when it sees that a coordinator that it should be with can be
/// reached and is none of its members: a compute node in a cluster without any coordinator, and a coordinator that founds clusters, for
/// which others stand by.
/// </summary>
internal sealed class Reunion(ClusterNodeOptions options)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    /// <summary>Longer than a coordinator that was started again takes to join.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(12);

    private static readonly TimeSpan OneTry = TimeSpan.FromSeconds(2);

    /// <summary>Waits for a node to change over to.</summary>
    /// <returns>Its <c>host:port</c>.</returns>
    /// <exception cref="OperationCanceledException">The membership has ended otherwise.</exception>
    public async Task<string> WaitAsync(ClusterMembership membership, CancellationToken over)
    {
        var since = new Dictionary<string, DateTimeOffset>();
        while (true)
        {
            await Task.Delay(Pause, over);
            var reachable = new List<string>();
            foreach (var other in Missing(membership.Cluster))
                if (await AnswersAsync(other, over)) reachable.Add(other);
            foreach (var gone in since.Keys.Except(reachable).ToArray()) since.Remove(gone);
            var now = DateTimeOffset.UtcNow;
            foreach (var other in reachable)
            {
                since.TryAdd(other, now);
                if (now - since[other] > Patience) return other;
            }
        }
    }

    /// <summary>Nodes that should be members of this node's cluster, and are not.</summary>
    private string[] Missing(Cluster cluster)
    {
        var self = ClusterMembers.HostPort(cluster.SelfAddress)!;
        var members = cluster.State.Members;
        var remembered = MemberMemory.ReadCoordinators(options.MembersFile);
        var wanted = options.IsCoordinator ? ClusterMembership.Founds(options, self) ? remembered : []
            : members.Any(m => m.HasRole(ClusterMembers.CoordinatorRole)) ? [] : remembered.Union(options.Seeds);
        return [.. wanted.Except(members.Select(m => ClusterMembers.HostPort(m.Address)!)).Where(w => w != self)];
    }

    private static async Task<bool> AnswersAsync(string address, CancellationToken over)
    {
        var node = ClusterMembership.ParseAddress(address);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(over);
        limit.CancelAfter(OneTry);
        using var socket = new TcpClient();
        try
        {
            await socket.ConnectAsync(node.Host!, node.Port!.Value, limit.Token);
            return true;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException && !over.IsCancellationRequested)
        {
            return false;
        }
    }
}
