using InterpActors.Compute.Reports;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Web;

/// <summary>
/// The cluster's figures for Prometheus: studies and workers as the coordinator sees them, and what this process measured.
/// </summary>
internal static class MetricsText
{
    public static string Write(IReadOnlyList<StudyProgress> studies, ClusterView cluster, MeterFigures measured)
    {
        var text = new PrometheusText();
        Studies(text, studies, cluster);
        Cluster(text, cluster);
        measured.WriteTo(text);
        text.Family("process_cpu_seconds_total", "counter", "Processor time of this coordinator's process",
            [("", Environment.CpuUsage.TotalTime.TotalSeconds)]);
        text.Family("process_resident_memory_bytes", "gauge", "Resident memory of this coordinator's process",
            [("", Environment.WorkingSet)]);
        return text.ToString();
    }

    private static void Studies(PrometheusText text, IReadOnlyList<StudyProgress> studies, ClusterView cluster)
    {
        text.Family("interp_studies", "gauge", "Studies by state",
            Enum.GetValues<RunState>().Select(s => (Label("state", SummaryJson.Word(s)), (double)studies.Count(p => p.State == s))));
        var held = cluster.Workers.SelectMany(w => w.Leases).DistinctBy(l => (l.Study, l.Ordinal)).CountBy(l => l.Study).ToDictionary();
        // Studies that are over no longer change; naming each for ever would grow without bound.
        var live = studies.Where(s => !StudyEnd.IsOver(s)).ToList();
        text.Family("interp_study_units_planned", "gauge", "Units of an unfinished study", Of(s => s.Planned));
        text.Family("interp_study_units_committed", "gauge", "Units of an unfinished study whose results are in the journal",
            Of(s => s.Committed));
        text.Family("interp_study_units_failed", "gauge", "Units of an unfinished study that were given up", Of(s => s.Failed));
        text.Family("interp_study_units_waiting", "gauge", "Units of an unfinished study that nobody has in hand", Of(Waiting));
        text.Family("interp_units_committed_total", "counter", "Units in the journal, of all studies",
            [("", studies.Sum(s => (double)s.Committed))]);
        text.Family("interp_units_failed_total", "counter", "Units given up, of all studies", [("", studies.Sum(s => (double)s.Failed))]);
        text.Family("interp_units_waiting", "gauge", "Units of running studies that nobody has in hand",
            [("", live.Where(s => s.State == RunState.Running).Sum(Waiting))]);

        double Waiting(StudyProgress s) => Math.Max(0, s.Planned - s.Committed - s.Failed - held.GetValueOrDefault(s.Study));
        IEnumerable<(string, double)> Of(Func<StudyProgress, double> value) => live.Select(s => (Label("study", s.Study.Value), value(s)));
    }

    private static void Cluster(PrometheusText text, ClusterView cluster)
    {
        text.Family("interp_members", "gauge", "Nodes of the cluster by role",
            cluster.Members.SelectMany(m => m.Roles).Distinct().Order(StringComparer.Ordinal)
                .Select(r => (Label("role", r), (double)cluster.Members.Count(m => m.Roles.Contains(r)))));
        text.Family("interp_members_unreachable", "gauge", "Nodes whose heartbeats are missed",
            [("", cluster.Members.Count(m => !m.Reachable))]);
        text.Family("interp_workers", "gauge", "Workers by device and by what they do",
            cluster.Workers.GroupBy(w => (w.Device, State: State(w)))
                .OrderBy(g => g.Key.Device, StringComparer.Ordinal).ThenBy(g => g.Key.State, StringComparer.Ordinal)
                .Select(g => ($"{Label("device", g.Key.Device)},{Label("state", g.Key.State)}", (double)g.Count())));
        text.Family("interp_leases", "gauge", "Units in the hands of workers", [("", cluster.Workers.Sum(w => (double)w.Leases.Count))]);
        var loads = cluster.Members.Select(m => m.Load).OfType<NodeLoad>().ToList();
        text.Family("interp_node_cpu_cores", "gauge", "Processor cores that a node's process uses",
            loads.Select(l => (Label("node", l.Node), l.Cores)));
        text.Family("interp_node_memory_bytes", "gauge", "Resident memory of a node's process",
            loads.Select(l => (Label("node", l.Node), (double)l.MemoryBytes)));
        text.Family("interp_device_memory_bytes", "gauge", "Memory of a device in use", Of(d => d.UsedBytes));
        text.Family("interp_device_memory_total_bytes", "gauge", "Memory of a device", Of(d => d.TotalBytes));

        IEnumerable<(string, double)> Of(Func<DeviceLoad, double> value) =>
            loads.SelectMany(l => l.Devices.Select(d => ($"{Label("node", l.Node)},{Label("device", d.Device)}", value(d))));
    }

    private static string State(WorkerView worker) => worker.SetAside is not null ? "set_aside" : worker.Leases.Count > 0 ? "busy" : "idle";

    private static string Label(string name, string value) => PrometheusText.Label(name, value);
}
