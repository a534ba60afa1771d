using System.Globalization;
using System.Text;
using InterpActors.Compute.Reports;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Web;

/// <summary>Figures of the cluster in Prometheus' text exposition format 0.0.4.</summary>
internal static class MetricsText
{
    public const string Media = "text/plain; version=0.0.4; charset=utf-8";

    public static string Write(IReadOnlyList<StudyProgress> studies, ClusterView cluster)
    {
        var text = new StringBuilder();
        Family("interp_studies", "gauge", "Studies by state",
            Enum.GetValues<RunState>().Select(s => ($"state=\"{SummaryJson.Word(s)}\"", (double)studies.Count(p => p.State == s))));
        // Studies that are over no longer change; naming each for ever would grow without bound.
        var live = studies.Where(s => !StudyEnd.IsOver(s)).ToList();
        Family("interp_study_units_planned", "gauge", "Units of an unfinished study", live.Select(s => (Label(s), (double)s.Planned)));
        Family("interp_study_units_committed", "gauge", "Units of an unfinished study whose results are in the journal",
            live.Select(s => (Label(s), (double)s.Committed)));
        Family("interp_study_units_failed", "gauge", "Units of an unfinished study that were given up",
            live.Select(s => (Label(s), (double)s.Failed)));
        Family("interp_units_committed_total", "counter", "Units in the journal, of all studies",
            [("", studies.Sum(s => (double)s.Committed))]);
        Family("interp_units_failed_total", "counter", "Units given up, of all studies", [("", studies.Sum(s => (double)s.Failed))]);
        Family("interp_units_waiting", "gauge", "Units of running studies that are neither committed nor given up",
            [("", live.Where(s => s.State == RunState.Running).Sum(s => (double)(s.Planned - s.Committed - s.Failed)))]);
        Family("interp_members", "gauge", "Nodes of the cluster by role",
            cluster.Members.SelectMany(m => m.Roles).Distinct().Order(StringComparer.Ordinal)
                .Select(r => ($"role=\"{Escape(r)}\"", (double)cluster.Members.Count(m => m.Roles.Contains(r)))));
        Family("interp_members_unreachable", "gauge", "Nodes whose heartbeats are missed",
            [("", cluster.Members.Count(m => !m.Reachable))]);
        Family("interp_workers", "gauge", "Workers by device",
            cluster.Workers.GroupBy(w => w.Device).OrderBy(g => g.Key, StringComparer.Ordinal)
                .Select(g => ($"device=\"{Escape(g.Key)}\"", (double)g.Count())));
        Family("interp_leases", "gauge", "Units in the hands of workers", [("", cluster.Workers.Sum(w => (double)w.Leases.Count))]);
        return text.ToString();

        void Family(string name, string type, string help, IEnumerable<(string Labels, double Value)> samples)
        {
            text.Append("# HELP ").Append(name).Append(' ').Append(help).Append('\n');
            text.Append("# TYPE ").Append(name).Append(' ').Append(type).Append('\n');
            foreach (var (labels, value) in samples)
            {
                text.Append(name);
                if (labels.Length > 0) text.Append('{').Append(labels).Append('}');
                text.Append(' ').Append(value.ToString("R", CultureInfo.InvariantCulture)).Append('\n');
            }
        }
    }

    private static string Label(StudyProgress study) => $"study=\"{study.Study}\"";

    private static string Escape(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)
            .Replace("\n", "\\n", StringComparison.Ordinal);
}
