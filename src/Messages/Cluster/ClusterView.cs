using InterpActors.Messages.Studies;

namespace InterpActors.Messages.Cluster;

/// <summary>A cluster as one of its members sees it.</summary>
/// <param name="Members">Oldest first.</param>
/// <param name="Workers">By name; those that the active coordinator knows.</param>
public sealed record ClusterView(IReadOnlyList<MemberView> Members, IReadOnlyList<WorkerView> Workers);

/// <summary>One node of the cluster.</summary>
/// <param name="Address"><c>host:port</c> of its actors.</param>
/// <param name="Roles"><c>coordinator</c>, <c>compute</c> or both.</param>
/// <param name="Status">Akka's word, e.g. <c>Up</c>, <c>Leaving</c>.</param>
/// <param name="Reachable">False while its heartbeats are missed.</param>
/// <param name="Active">True for the coordinator that leads now; others of that role stand by.</param>
/// <param name="Load">As it reported last; null where it did not lately.</param>
public sealed record MemberView(
    string Address, IReadOnlyList<string> Roles, string Status, bool Reachable, bool Active, NodeLoad? Load = null);

/// <summary>One device's worker, as the broker knows it.</summary>
/// <param name="Worker">Its name, unique in the cluster.</param>
/// <param name="Process">The process it lives in, as a run's history names it.</param>
/// <param name="Node"><c>host:port</c> of its node; empty on a single machine.</param>
/// <param name="Device">e.g. <c>cpu</c>.</param>
/// <param name="Leases">The units it holds; the first is the one it computes.</param>
/// <param name="LastBeat">When it was heard last, by the coordinator's clock.</param>
/// <param name="SetAside">Why it gets no units for now (its disk is full, say); null where it does.</param>
public sealed record WorkerView(
    string Worker, string Process, string Node, string Device, IReadOnlyList<LeaseView> Leases, DateTimeOffset LastBeat,
    string? SetAside = null);

/// <summary>A unit in a worker's hands.</summary>
/// <param name="Label">e.g. <c>resid_pre layer 21</c>; null where only the worker knows it (after a change of coordinator).</param>
/// <param name="Fraction">Done fraction in [0, 1].</param>
public sealed record LeaseView(StudyId Study, long Ordinal, int Attempt, string? Label, double Fraction);
