using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Tests.Web;

public sealed class ApiTests
{
    [Fact]
    public async Task The_same_study_twice_is_one_run()
    {
        await using var web = await WebFixture.StartAsync();
        using var first = await web.Submit(WebFixture.Source());
        using var second = await web.Submit(WebFixture.Source());
        Assert.Equal(HttpStatusCode.Created, first.StatusCode);
        Assert.Equal(HttpStatusCode.OK, second.StatusCode);
        Assert.Equal(1, web.Desk.Begun);
        Assert.Single((await web.Json("/api/studies"))["studies"]!.AsArray());
    }

    [Fact]
    public async Task One_study_can_be_looked_at_paused_resumed_and_cancelled()
    {
        await using var web = await WebFixture.StartAsync();
        var id = await web.Submitted();
        var detail = await web.Json($"/api/studies/{id}");
        Assert.Equal("activation-patching", (string)detail["kind"]!);
        Assert.Equal("running", (string)detail["progress"]!["state"]!);
        Assert.Single(detail["history"]!["processes"]!.AsArray());
        foreach (var (verb, state) in new[] { ("pause", "paused"), ("resume", "running"), ("cancel", "cancelled") })
        {
            using var answer = await web.Post($"/api/studies/{id}/{verb}", "");
            Assert.Equal(state, (string)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["state"]!);
        }
        using var late = await web.Post($"/api/studies/{id}/pause", "");
        Assert.Equal(HttpStatusCode.Conflict, late.StatusCode);
        Assert.Contains("is over", await WebFixture.Error(late), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("study { name = x", "s.conf")]
    [InlineData("nothing = 1", "no object 'study'")]
    [InlineData("study { name = x, model { path = no-such-model }, task { kind = ioi }, method { kind = ablation } }", "no-such-model")]
    public async Task A_study_that_cannot_be_run_is_answered_with_its_line_and_not_begun(string source, string part)
    {
        await using var web = await WebFixture.StartAsync();
        using var answer = await web.Submit(source);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains(part, await WebFixture.Error(answer), StringComparison.Ordinal);
        Assert.Equal(0, web.Desk.Begun);
    }

    [Theory]
    [InlineData("{", "application/json", HttpStatusCode.BadRequest)]
    [InlineData("null", "application/json", HttpStatusCode.BadRequest)]
    [InlineData("{\"source\":\"study {}\"}", "application/json", HttpStatusCode.BadRequest)]
    [InlineData("{\"source\":null,\"folder\":\"/\"}", "application/json", HttpStatusCode.BadRequest)]
    [InlineData("{\"source\":\"study {}\",\"folder\":\"relative\"}", "application/json", HttpStatusCode.BadRequest)]
    [InlineData("{\"source\":\"study {}\",\"folder\":\"/no/such/folder\"}", "application/json", HttpStatusCode.BadRequest)]
    [InlineData("{}", "text/plain", HttpStatusCode.UnsupportedMediaType)]
    public async Task A_body_that_is_no_submission_is_refused(string body, string type, HttpStatusCode expected)
    {
        await using var web = await WebFixture.StartAsync();
        using var answer = await web.Http.PostAsync("/api/studies", new StringContent(body, Encoding.UTF8, type));
        Assert.Equal(expected, answer.StatusCode);
        Assert.NotEmpty(await WebFixture.Error(answer));
    }

    [Theory]
    [InlineData("GET", "/api/studies/none-0123456789ab", HttpStatusCode.NotFound)]
    [InlineData("GET", "/api/studies/..%2f..%2fetc", HttpStatusCode.NotFound)]
    [InlineData("POST", "/api/studies/none-0123456789ab/pause", HttpStatusCode.NotFound)]
    [InlineData("GET", "/api/studies/none-0123456789ab/results", HttpStatusCode.NotFound)]
    [InlineData("GET", "/api/studies/none-0123456789ab/events", HttpStatusCode.NotFound)]
    [InlineData("GET", "/nowhere", HttpStatusCode.NotFound)]
    [InlineData("DELETE", "/api/studies", HttpStatusCode.MethodNotAllowed)]
    public async Task What_is_not_there_is_said_in_one_line(string method, string path, HttpStatusCode expected)
    {
        await using var web = await WebFixture.StartAsync();
        using var answer = await web.Http.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
        Assert.Equal(expected, answer.StatusCode);
        Assert.NotEmpty(await WebFixture.Error(answer));
    }

    [Fact]
    public async Task Results_are_those_of_a_run_and_no_path_leads_out_of_them()
    {
        await using var web = await WebFixture.StartAsync();
        var id = await web.Submitted();
        using (var early = await web.Http.GetAsync($"/api/studies/{id}/results")) Assert.Equal(HttpStatusCode.Conflict, early.StatusCode);
        web.Desk.Put(new StudyId(id), p => p with { State = RunState.Completed, Committed = p.Planned });
        var names = (await web.Json($"/api/studies/{id}/results"))["files"]!.AsArray().Select(f => (string)f!["name"]!).ToHashSet();
        Assert.Superset(new HashSet<string> { "results.csv", "results.parquet", "summary.json", "manifest.json", "report.html" }, names);
        Assert.StartsWith("hook,layer,head", await web.Http.GetStringAsync($"/api/studies/{id}/results/results.csv"),
            StringComparison.Ordinal);
        foreach (var path in new[] { "../../web.conf", "..%2f..%2f..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd" })
        {
            using var answer = await web.Http.GetAsync($"/api/studies/{id}/results/{path}");
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        }
    }

    [Fact]
    public async Task Cells_are_those_of_the_report_and_a_reader_is_sent_what_changed()
    {
        await using var web = await WebFixture.StartAsync();
        var id = await web.Submitted();
        var all = await web.Json($"/api/studies/{id}/cells");
        var map = Assert.Single(all["maps"]!.AsArray())!;
        Assert.Equal("attn_out", (string)map["name"]!);
        Assert.Equal(("score", true), ((string)all["quantity"]!, (bool)all["caught_up"]!));
        var shown = all["rows"]!.AsArray().OrderBy(r => (int)r!["layer"]!)
            .SelectMany(r => r!["values"]!.AsArray()).Select(v => (float)v!).ToList();
        web.Desk.Put(new StudyId(id), p => p with { State = RunState.Completed, Committed = p.Planned });
        var csv = (await web.Http.GetStringAsync($"/api/studies/{id}/results/results.csv")).TrimEnd().Split('\n')[1..];
        Assert.Equal(csv.Select(r => (float)double.Parse(r.Split(',')[^1], System.Globalization.CultureInfo.InvariantCulture)), shown);

        var nothing = await web.Json($"/api/studies/{id}/cells?since={all["version"]}");
        Assert.Null(nothing["maps"]);
        Assert.Empty(nothing["rows"]!.AsArray());
        var anew = await web.Json($"/api/studies/{id}/cells?since=another-1");
        Assert.Equal(all["rows"]!.ToJsonString(), anew["rows"]!.ToJsonString());
    }

    [Fact]
    public async Task Cells_of_a_study_that_is_too_large_are_left_to_the_report()
    {
        await using var web = await WebFixture.StartAsync(change: o => o with { MaximumCells = 1 });
        var answer = await web.Json($"/api/studies/{await web.Submitted()}/cells");
        Assert.Contains("too many", (string)answer["note"]!, StringComparison.Ordinal);
        Assert.True((bool)answer["caught_up"]!);
        Assert.Empty(answer["maps"]!.AsArray());
    }

    [Fact]
    public async Task Events_tell_what_changes_and_end_with_the_study()
    {
        await using var web = await WebFixture.StartAsync();
        var id = await web.Submitted();
        using var answer = await web.Http.GetAsync($"/api/studies/{id}/events", HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType!.MediaType);
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync());
        Assert.Equal(0, (long)JsonNode.Parse((await lines.ReadLineAsync())!["data: ".Length..])!["committed"]!);
        Assert.Equal("", await lines.ReadLineAsync());
        web.Desk.Put(new StudyId(id), p => p with { Committed = 1 });
        Assert.Equal(1, (long)JsonNode.Parse((await lines.ReadLineAsync())!["data: ".Length..])!["committed"]!);
        web.Desk.Put(new StudyId(id), p => p with { State = RunState.Completed });
        Assert.Contains("\"state\":\"completed\"", await lines.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_overview_tells_members_workers_and_a_log()
    {
        await using var web = await WebFixture.StartAsync();
        var id = await web.Submitted();
        using var answer = await web.Http.GetAsync("/api/events", HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync());
        var first = JsonNode.Parse((await lines.ReadLineAsync())!["data: ".Length..])!;
        Assert.Equal("cpu-0@a", (string)first["cluster"]!["workers"]![0]!["worker"]!);
        using (await web.Post($"/api/studies/{id}/cancel", "")) { }
        web.Desk.Cluster = web.Desk.Cluster with { Workers = [] };
        var text = "";
        while (!text.Contains("left", StringComparison.Ordinal))
            text = await lines.ReadLineAsync() ?? throw new InvalidOperationException("the stream ended");
        var log = JsonNode.Parse(text["data: ".Length..])!["log"]!.AsArray().Select(l => $"{l!["study"]} {l["text"]}").ToList();
        Assert.Contains($"{id} cancelled", log);
        Assert.Contains(" worker cpu-0@a left", log);
    }

    [Fact]
    public async Task The_overview_of_a_large_cluster_is_bounded()
    {
        await using var web = await WebFixture.StartAsync();
        var id = new StudyId(await web.Submitted());
        var last = (await web.Desk.ListAsync())[0];
        for (var i = 0; i < 300; i++)
            web.Desk.Add(last with { Study = new StudyId($"a-{i:x12}"), State = i == 0 ? RunState.Paused : RunState.Completed });
        var worker = web.Desk.Cluster.Workers[0];
        var workers = Enumerable.Range(0, 1000).Select(i => worker with { Worker = $"w{i:0000}" });
        web.Desk.Cluster = web.Desk.Cluster with { Workers = [.. workers] };
        using var answer = await web.Http.GetAsync("/api/events", HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync());
        JsonNode shown;
        do shown = JsonNode.Parse((await Data(lines))["data: ".Length..])!;
        while ((int)shown["older_studies"]! == 0);
        var studies = shown["studies"]!.AsArray().Select(s => (string)s!["study"]!).ToList();
        // The unfinished ones, however old, and the newest.
        Assert.Contains("a-000000000000", studies);
        Assert.Contains(id.Value, studies);
        Assert.Equal(301, studies.Count + (int)shown["older_studies"]!);
        Assert.InRange(studies.Count, 100, 102);
        Assert.Equal(1000, shown["cluster"]!["workers"]!.AsArray().Count + (int)shown["more_workers"]!);
        Assert.Equal(200, shown["cluster"]!["workers"]!.AsArray().Count);

        static async Task<string> Data(StreamReader lines)
        {
            while (true)
                if (await lines.ReadLineAsync() is { Length: > 0 } line) return line;
        }
    }

    [Fact]
    public async Task The_description_is_of_the_routes_that_are_mapped()
    {
        await using var web = await WebFixture.StartAsync();
        var description = await web.Json("/openapi.json");
        var described = description["paths"]!.AsObject()
            .SelectMany(p => p.Value!.AsObject().Select(o => $"{o.Key.ToUpperInvariant()} {p.Key}"));
        var mapped = web.Web.Routes.Select(r => r.Replace("{**", "{", StringComparison.Ordinal)).ToList();
        Assert.True(mapped.Count >= 14);
        Assert.Equal(mapped.Order(StringComparer.Ordinal), described.Order(StringComparer.Ordinal));
        foreach (var reference in References(description))
        {
            JsonNode? node = description;
            foreach (var part in reference[2..].Split('/')) node = node is JsonArray a ? a[int.Parse(part)] : node?[part];
            Assert.True(node is not null, reference);
        }
        Assert.Equal("string", (string)description["components"]!["schemas"]!["StudyProgress"]!["properties"]!["study"]!["type"]!);
    }

    [Fact]
    public async Task Figures_tell_of_studies_and_workers()
    {
        await using var web = await WebFixture.StartAsync();
        var id = await web.Submitted();
        var lines = (await web.Http.GetStringAsync("/metrics")).Split('\n');
        Assert.Contains("interp_studies{state=\"running\"} 1", lines);
        Assert.Contains("interp_workers{device=\"cpu\",state=\"busy\"} 1", lines);
        Assert.Contains($"interp_study_units_committed{{study=\"{id}\"}} 0", lines);
        Assert.Contains("interp_members{role=\"coordinator\"} 1", lines);
    }

    [Fact]
    public async Task A_desk_in_trouble_is_one_line_too()
    {
        await using var web = await WebFixture.StartAsync();
        web.Desk.Trouble = "the coordinator cannot be reached";
        using var answer = await web.Http.GetAsync("/api/studies");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal("the coordinator cannot be reached", await WebFixture.Error(answer));
    }

    private static IEnumerable<string> References(JsonNode? node) => node switch
    {
        JsonObject o => o.SelectMany(p => p.Key == "$ref" ? [(string)p.Value!] : References(p.Value)),
        JsonArray a => a.SelectMany(References),
        _ => [],
    };
}
