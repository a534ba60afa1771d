using Akka.Actor;
using Akka.Cluster;
using InterpActors.Messages.Cluster;

namespace InterpActors.Actors.Configuration;

/// <summary>The members of a cluster, as one of them sees it.</summary>
public static class ClusterMembers
{
    /// <summary>Members with it may lead; the oldest of them does.</summary>
    public const string CoordinatorRole = "coordinator";

    /// <summary>Members with it compute.</summary>
    public const string ComputeRole = "compute";

    /// <summary>Every role there is.</summary>
    public static readonly IReadOnlyList<string> Roles = [CoordinatorRole, ComputeRole];

    /// <summary><c>host:port</c>; null for a system without remoting.</summary>
    public static string? HostPort(Address address) => address.Host is null ? null : $"{address.Host}:{address.Port}";

    /// <summary>The compute nodes in full membership that can be reached, as <c>host:port</c>.</summary>
    public static IReadOnlyCollection<string> ComputeNodes(Cluster cluster)
    {
        var state = cluster.State;
        return
        [
            .. state.Members.Where(m => m.Status == MemberStatus.Up && m.HasRole(ComputeRole) && !state.Unreachable.Contains(m))
                .Select(m => HostPort(m.Address)!),
        ];
    }

    /// <summary>The member that leads: the oldest coordinator. Null where none is in full membership.</summary>
    public static Member? Active(IEnumerable<Member> members) =>
        members.Where(m => m.HasRole(CoordinatorRole) && m.Status is MemberStatus.Up or MemberStatus.Leaving)
            .Aggregate((Member?)null, (oldest, m) => oldest is null || m.IsOlderThan(oldest) ? m : oldest);

    /// <summary>A member that was here before this one and whose messages are of another version; null where there is none.</summary>
    public static Member? Stranger(Cluster cluster)
    {
        var self = cluster.SelfMember;
        var wire = NodeVersion.Parse(self.AppVersion.Version).Wire;
        return cluster.State.Members.FirstOrDefault(m =>
            m.Status is MemberStatus.Up or MemberStatus.Leaving && !m.Equals(self) && m.IsOlderThan(self)
            && NodeVersion.Parse(m.AppVersion.Version).Wire != wire);
    }

    /// <summary>All members, oldest first.</summary>
    public static IReadOnlyList<MemberView> View(Cluster cluster)
    {
        var state = cluster.State;
        var members = state.Members.ToArray();
        Array.Sort(members, (a, b) => a.Equals(b) ? 0 : a.IsOlderThan(b) ? -1 : 1);
        var active = Active(members);
        return
        [
            .. members.Select(m => new MemberView(
                HostPort(m.Address)!, [.. m.Roles.Where(Roles.Contains).Order()], m.Status.ToString(), !state.Unreachable.Contains(m),
                m.Equals(active))),
        ];
    }
}
