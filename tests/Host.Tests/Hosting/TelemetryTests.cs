using System.Text;
using InterpActors.Actors.Telemetry;
using InterpActors.Compute.Studies;
using InterpActors.Host.Hosting;
using InterpActors.Host.Web;
using InterpActors.Messages.Studies;
using InterpActors.TestSupport;

namespace InterpActors.Host.Tests.Hosting;

/// <summary>Traces and figures over OTLP, before a collector on loopback.</summary>
public sealed class TelemetryTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("telemetry-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_study_its_units_and_requests_are_sent_as_spans_of_one_trace()
    {
        await using var collector = new Collector();
        var planner = new FakePlanner(2, 5);
        var study = FakePlanner.Study("traced");
        using var engine = new StudyEngine();
        var options = new ClusterNodeOptions(["coordinator", "compute"], _folder, planner, new FakeRunner())
        {
            Overrides = $"interp.telemetry.endpoint = \"{collector.Endpoint}\"\n",
        };
        await using (var node = await ClusterNode.StartAsync(options))
        {
            var listen = new WebOptions("127.0.0.1", 0, null, _folder);
            await using var web = await WebHost.StartAsync(node.Desk!, planner, engine, engine, listen);
            await node.Desk!.SubmitAsync(study);
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            while ((await node.Desk.ProgressAsync(study.Id))!.State != RunState.Completed) await Task.Delay(20, limit.Token);
            using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
            await http.GetStringAsync($"http://127.0.0.1:{web.Endpoint.Port}/api/studies/{study.Id}", limit.Token);
        }

        var trace = new byte[16];
        Traces.Of(study.Id).TraceId.CopyTo(trace);
        Assert.True(collector.Holds("/v1/traces", trace));
        foreach (var name in new[] { $"study {study.Id}", "unit unit 9", "compute", "persist", "GET /api/studies/{id}", "interp" })
            Assert.True(collector.Holds("/v1/traces", Encoding.UTF8.GetBytes(name)), $"no span '{name}'");
        Assert.True(collector.Holds("/v1/metrics", "interp.journal.write"u8.ToArray()));
    }

    [Fact]
    public async Task An_endpoint_that_is_none_is_said_in_one_line()
    {
        var options = new ClusterNodeOptions(["coordinator"], _folder, new FakePlanner(1, 1), new FakeRunner())
        {
            Overrides = "interp.telemetry.endpoint = \"collector:4318\"\n",
        };
        var refusal = await Assert.ThrowsAsync<StudyException>(() => ClusterNode.StartAsync(options));
        Assert.Contains("interp.telemetry.endpoint", refusal.Message, StringComparison.Ordinal);
    }
}
