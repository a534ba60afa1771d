using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using InterpActors.Actors.Artifacts;
using InterpActors.Compute.Studies;
using InterpActors.Host.Web;

namespace InterpActors.Host.Tests.Web;

/// <summary>A coordinator's web host on a free port, with studies of a small model and a desk of fakes behind it.</summary>
internal sealed class WebFixture : IAsyncDisposable
{
    private readonly StudyEngine _engine;

    private WebFixture(StudyEngine engine, FakeDesk desk, WebHost web, NodeArtifacts artifacts, string folder, string? token)
    {
        (_engine, Desk, Web, Artifacts, Folder) = (engine, desk, web, artifacts, folder);
        Url = $"http://{web.Endpoint.Host}:{web.Endpoint.Port}";
        Http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri(Url) };
        if (token is not null) Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    public FakeDesk Desk { get; }
    public NodeArtifacts Artifacts { get; }
    public WebHost Web { get; }
    public string Url { get; }
    public HttpClient Http { get; }

    /// <summary>The folder of the test's files; deleted at its end.</summary>
    public string Folder { get; }

    public static async Task<WebFixture> StartAsync(string? token = null, Func<WebOptions, WebOptions>? change = null)
    {
        var folder = Directory.CreateTempSubdirectory("web-").FullName;
        var artifacts = new NodeArtifacts(Path.Combine(folder, "data", "artifacts"));
        var files = new FilesByContent(artifacts);
        var engine = new StudyEngine(StudyKinds.All, files: files);
        var desk = new FakeDesk(engine, engine);
        var options = new WebOptions("127.0.0.1", 0, token, Path.Combine(folder, "data")) { Beat = TimeSpan.FromMilliseconds(20) };
        try
        {
            var web = await WebHost.StartAsync(desk, engine, engine, engine, change?.Invoke(options) ?? options,
                new StudyIntake(files, artifacts, study => engine.Verify(study)));
            return new WebFixture(engine, desk, web, artifacts, folder, token);
        }
        catch
        {
            engine.Dispose();
            Directory.Delete(folder, recursive: true);
            throw;
        }
    }

    /// <summary>A study file of a few units; the seed makes one study differ from another.</summary>
    public static string Source(int seed = 0) => $$"""
        study {
          name = web
          seed = {{seed}}
          model { path = "{{Interp.Model("gt-ioi")}}" }
          task { kind = ioi, n = 4 }
          metric { kind = logit-difference }
          method { kind = activation-patching, components = [attn_out], by = all }
        }
        """;

    public string Write(string name, string source)
    {
        var path = Path.Combine(Folder, name);
        File.WriteAllText(path, source);
        return path;
    }

    public Task<HttpResponseMessage> Submit(string source) =>
        Post("/api/studies", new JsonObject { ["source"] = source, ["folder"] = Folder, ["file"] = "s.conf" }.ToJsonString());

    /// <summary>Submits and gives the id.</summary>
    public async Task<string> Submitted(int seed = 0)
    {
        using var answer = await Submit(Source(seed));
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return (string)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["study"]!;
    }

    public Task<HttpResponseMessage> Post(string path, string json) =>
        Http.PostAsync(path, new StringContent(json, Encoding.UTF8, "application/json"));

    public async Task<JsonNode> Json(string path)
    {
        using var answer = await Http.GetAsync(path);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        return JsonNode.Parse(text)!;
    }

    /// <summary>The one line that says why not.</summary>
    public static async Task<string> Error(HttpResponseMessage answer)
    {
        var line = (string)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["error"]!;
        Assert.DoesNotContain('\n', line);
        return line;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Web.DisposeAsync();
        _engine.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
