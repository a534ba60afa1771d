using InterpActors.Compute.Studies;
using InterpActors.Host.Hosting;
using InterpActors.Host.Web;
using InterpActors.Messages.Studies;
using InterpActors.TestSupport;

namespace InterpActors.Host.Tests.Web;

/// <summary>What a coordinator tells Prometheus after a study was computed.</summary>
public sealed class MetricsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("metrics-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Units_journal_memory_and_operations_are_counted()
    {
        var planner = new FakePlanner(4, 15);
        using var engine = new StudyEngine();
        var failing = true;
        var runner = new FakeRunner
        {
            Work = (unit, _) =>
            {
                if (unit.Ordinal != 7 || !failing) return;
                failing = false;
                throw new InvalidOperationException("once");
            },
        };
        await using var node = await ClusterNode.StartAsync(
            new ClusterNodeOptions(["coordinator", "compute"], Path.Combine(_folder, "node"), planner, runner) { Workers = 2 });
        await using var web = await WebHost.StartAsync(
            node.Desk!, planner, engine, engine, new WebOptions("127.0.0.1", 0, null, Path.Combine(_folder, "web")));
        var study = FakePlanner.Study();
        await node.Desk!.SubmitAsync(study);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while ((await node.Desk.ProgressAsync(study.Id))!.State != RunState.Completed) await Task.Delay(20, limit.Token);
        while ((await node.Desk.MembersAsync()).Members[0].Load is null) await Task.Delay(50, limit.Token);

        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        var figures = Exposition.Parse(await http.GetStringAsync($"http://127.0.0.1:{web.Endpoint.Port}/metrics", limit.Token));

        Assert.Equal(60, figures.Samples["interp_units_committed_total"]);
        Assert.Equal(0, figures.Samples["interp_units_failed_total"]);
        Assert.Equal(0, figures.Samples["interp_leases"]);
        Assert.Equal(1, figures.Samples["interp_studies{state=\"completed\"}"]);
        // Other tests of this process may be measured too.
        Assert.True(figures.Sum("interp_unit_attempts_total") >= 61);
        Assert.True(figures.Samples["interp_unit_failures_total{kind=\"transient\"}"] >= 1);
        Assert.True(figures.Samples["interp_flops_total"] >= planner.Plan(study).Estimate.Flops);
        Assert.True(figures.Samples["interp_journal_write_seconds_count"] >= 60);
        Assert.True(figures.Samples["interp_journal_write_seconds_sum"] > 0);
        Assert.True(figures.Samples["interp_unit_compute_seconds_count{device=\"cpu\"}"] >= 60);
        var here = $"node=\"{node.Host}:{node.Port}\"";
        Assert.InRange(figures.Samples[$"interp_node_memory_bytes{{{here}}}"], 1e6, 1e12);
        var total = figures.Samples[$"interp_device_memory_total_bytes{{{here},device=\"cpu\"}}"];
        Assert.InRange(figures.Samples[$"interp_device_memory_bytes{{{here},device=\"cpu\"}}"], 1e6, total);
        Assert.True(figures.Samples["process_cpu_seconds_total"] > 0);
    }

    [Fact]
    public void Labels_are_quoted()
    {
        var text = new PrometheusText();
        text.Family("a", "gauge", "An odd name", [(PrometheusText.Label("name", "back\\slash \"quote\"\nline"), double.PositiveInfinity)]);
        Assert.Equal(double.PositiveInfinity, Assert.Single(Exposition.Parse(text.ToString()).Samples).Value);
    }
}
