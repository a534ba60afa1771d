using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using InterpActors.Compute.Studies;
using InterpActors.Host.Hosting;
using InterpActors.Host.Web;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using InterpActors.TestSupport;

namespace InterpActors.Host.Tests.Web;

/// <summary>The log of a coordinator that was started again tells what happened before.</summary>
public sealed class EventLogTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("log-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_new_process_tells_what_the_journal_says()
    {
        var study = FakePlanner.Study("logged");
        var runner = new FakeRunner
        {
            Work = (unit, _) =>
            {
                if (unit.Ordinal == 3) throw new UnitException(UnitFailureKind.Permanent, "not a number");
            },
        };
        await using (var node = await NodeAsync(runner))
        {
            await node.Desk!.SubmitAsync(study);
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            while ((await node.Desk.ProgressAsync(study.Id))!.State != RunState.CompletedWithErrors) await Task.Delay(20, limit.Token);
        }

        await using var again = await NodeAsync(runner);
        using var engine = new StudyEngine();
        await using var web = await WebHost.StartAsync(
            again.Desk!, new FakePlanner(2, 5), engine, engine, new WebOptions("127.0.0.1", 0, null, Path.Combine(_folder, "web")));
        var log = await LogAsync(web);

        var told = log.Where(l => (string?)l!["study"] == study.Id.Value).Select(l => (string)l!["text"]!).ToList();
        Assert.Equal("submitted", told[0]);
        Assert.Equal("planned: 10 units, 30 cells", told[1]);
        Assert.Single(told, t => Regex.IsMatch(t, "^process .+ began to compute$"));
        Assert.Contains(told, t => Regex.IsMatch(t, @"^unit 3 failed at try 1 \(permanent\) on .+: not a number$"));
        Assert.Contains("given up after 1 tries: unit 3: not a number", told);
        Assert.Contains("completed with errors", told);
        var times = log.Select(l => DateTimeOffset.Parse((string)l!["at"]!)).ToList();
        Assert.Equal(times.Order(), times);
        Assert.InRange(times[0], DateTimeOffset.UtcNow.AddMinutes(-2), DateTimeOffset.UtcNow);
        // What this process saw comes last.
        Assert.StartsWith("watching: 1 study", (string)log[^1]!["text"]!, StringComparison.Ordinal);
    }

    private Task<ClusterNode> NodeAsync(IUnitRunner runner) => ClusterNode.StartAsync(
        new ClusterNodeOptions(["coordinator", "compute"], Path.Combine(_folder, "node"), new FakePlanner(2, 5), runner));

    private static async Task<JsonArray> LogAsync(WebHost web)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        var url = $"http://127.0.0.1:{web.Endpoint.Port}/api/events";
        using var answer = await http.GetAsync(url, HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync());
        return JsonNode.Parse((await lines.ReadLineAsync())!["data: ".Length..])!["log"]!.AsArray();
    }
}
