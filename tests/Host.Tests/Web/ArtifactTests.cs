using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using InterpActors.Host.Commands;
using InterpActors.Host.Runs;
using InterpActors.Host.Web;
using InterpActors.Messages.Artifacts;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Tests.Web;

/// <summary>Files by content over HTTP, and studies whose files the coordinator does not have.</summary>
public sealed class ArtifactTests
{
    private static readonly byte[] Content = Random(1, 300_000);

    [Fact]
    public async Task An_upload_goes_on_where_it_was_interrupted_and_is_sent_back_in_ranges()
    {
        await using var web = await WebFixture.StartAsync("secret");
        var url = $"/api/artifacts/{Name(Content)}";
        using (var part = await Put(web, url, Content[..100_000], 0, Content.Length))
            Assert.Equal(HttpStatusCode.Accepted, part.StatusCode);
        Assert.Equal(100_000, await Offset(web, url));
        using (var gap = await Put(web, url, Content[200_000..], 200_000, Content.Length))
        {
            Assert.Equal(HttpStatusCode.Conflict, gap.StatusCode);
            Assert.Equal("100000", Assert.Single(gap.Headers.GetValues("Upload-Offset")));
        }
        using (var rest = await Put(web, url, Content[100_000..], 100_000, Content.Length))
            Assert.Equal(HttpStatusCode.Created, rest.StatusCode);
        using (var again = await Put(web, url, Content, 0, Content.Length)) Assert.Equal(HttpStatusCode.OK, again.StatusCode);

        using var look = await web.Http.SendAsync(new HttpRequestMessage(HttpMethod.Head, url));
        Assert.Equal(Content.Length, look.Content.Headers.ContentLength);
        Assert.Equal(Content, await web.Http.GetByteArrayAsync(url));
        foreach (var (from, to, expected) in new (long?, long?, byte[])[]
        {
            (0, 0, Content[..1]), (299_000, null, Content[299_000..]), (299_999, 999_999, Content[299_999..]), (null, 10, Content[^10..]),
        })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, url);
            request.Headers.Range = new RangeHeaderValue(from, to);
            using var answer = await web.Http.SendAsync(request);
            Assert.Equal(HttpStatusCode.PartialContent, answer.StatusCode);
            Assert.Equal(expected, await answer.Content.ReadAsByteArrayAsync());
            Assert.Equal(Content.Length, answer.Content.Headers.ContentRange!.Length);
        }
        using var beyond = new HttpRequestMessage(HttpMethod.Get, url);
        beyond.Headers.Range = new RangeHeaderValue(300_000, null);
        using var nothing = await web.Http.SendAsync(beyond);
        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, nothing.StatusCode);

        web.Http.DefaultRequestHeaders.Remove("Authorization");
        using var stranger = await web.Http.GetAsync(url);
        Assert.Equal(HttpStatusCode.Unauthorized, stranger.StatusCode);
        using var sender = await Put(web, $"/api/artifacts/{Name([1])}", [1], 0, 1);
        Assert.Equal(HttpStatusCode.Unauthorized, sender.StatusCode);
    }

    [Fact]
    public async Task Bytes_that_are_not_what_the_name_says_are_refused_and_not_kept()
    {
        await using var web = await WebFixture.StartAsync();
        var url = $"/api/artifacts/{Name([1, 2, 3])}";
        using (var wrong = await Put(web, url, Content, 0, Content.Length))
        {
            Assert.Equal(HttpStatusCode.UnprocessableEntity, wrong.StatusCode);
            Assert.Contains("not what the SHA-256 says", await WebFixture.Error(wrong), StringComparison.Ordinal);
        }
        Assert.Equal(0, await Offset(web, url));
        Assert.Equal(0, web.Artifacts.Store.Used);
        // The wrong beginning of an interrupted upload harms nobody either.
        using (var start = await Put(web, url, [9], 0, 3)) Assert.Equal(HttpStatusCode.Accepted, start.StatusCode);
        using (var whole = await Put(web, url, [1, 2, 3], 0, 3)) Assert.Equal(HttpStatusCode.Created, whole.StatusCode);
    }

    [Theory]
    [InlineData("..%2F..%2F..%2Fetc%2Fpasswd")]
    [InlineData("../../journal.db")]
    [InlineData("ABCDEF")]
    public async Task Nothing_but_a_hash_names_a_file(string name)
    {
        await using var web = await WebFixture.StartAsync();
        foreach (var method in new[] { HttpMethod.Get, HttpMethod.Head, HttpMethod.Put })
        {
            using var request = new HttpRequestMessage(method, $"{web.Url}/api/artifacts/{name}");
            if (method == HttpMethod.Put) request.Content = new ByteArrayContent([1]);
            using var answer = await web.Http.SendAsync(request);
            Assert.InRange(answer.StatusCode, HttpStatusCode.BadRequest, HttpStatusCode.MethodNotAllowed);
        }
        Assert.Equal(0, web.Artifacts.Store.Used);
    }

    [Fact]
    public async Task An_upload_above_the_limit_is_refused_unread()
    {
        await using var web = await WebFixture.StartAsync();
        web.Artifacts.UploadLimit = 1 << 20;
        using (var small = await Put(web, $"/api/artifacts/{Name(Content)}", Content, 0, Content.Length))
            Assert.True(small.IsSuccessStatusCode);
        using (var part = await Put(web, $"/api/artifacts/{Name([7])}", [1], 0, 1 << 30))
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, part.StatusCode);
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, web.Web.Endpoint.Port);
        await using var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"PUT /api/artifacts/{Name([7])} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {1L << 40}\r\n\r\n"));
        var buffer = new byte[4096];
        var read = await stream.ReadAtLeastAsync(buffer, 12, throwOnEndOfStream: false);
        Assert.StartsWith("HTTP/1.1 413", Encoding.ASCII.GetString(buffer, 0, read), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_submission_says_which_files_are_missing_and_runs_once_they_are_there()
    {
        await using var web = await WebFixture.StartAsync();
        var files = Directory.GetFiles(Interp.Model("gt-ioi")).Where(f => !f.EndsWith("truth.json", StringComparison.Ordinal)).ToArray();
        var inputs = new JsonArray([.. files.Select(f => new JsonObject
        {
            ["path"] = "a model", ["name"] = Path.GetFileName(f),
            ["sha256"] = Name(File.ReadAllBytes(f)).Value, ["bytes"] = new FileInfo(f).Length,
        })]);
        var submission = new JsonObject
        {
            ["source"] = WebFixture.Source().Replace(Interp.Model("gt-ioi"), "a model", StringComparison.Ordinal),
            ["folder"] = "/home/somebody/else",
            ["inputs"] = inputs.DeepClone(),
        }.ToJsonString();
        using (var early = await web.Post("/api/studies", submission))
        {
            Assert.Equal(HttpStatusCode.Conflict, early.StatusCode);
            Assert.Contains($"{files.Length} of the study's files", await WebFixture.Error(early), StringComparison.Ordinal);
        }
        var query = new JsonObject { ["folder"] = "/home/somebody/else", ["inputs"] = inputs.DeepClone() }.ToJsonString();
        using (var missing = await web.Post("/api/artifacts/missing", query))
            Assert.Equal(files.Length, JsonNode.Parse(await missing.Content.ReadAsStringAsync())!["missing"]!.AsArray().Count);
        foreach (var file in files.Select(File.ReadAllBytes))
            using (var sent = await Put(web, $"/api/artifacts/{Name(file)}", file, 0, file.Length))
                Assert.Equal(HttpStatusCode.Created, sent.StatusCode);
        using (var accepted = await web.Post("/api/studies", submission))
            Assert.True(accepted.StatusCode == HttpStatusCode.Created, await accepted.Content.ReadAsStringAsync());
        Assert.Equal(1, web.Desk.Begun);

        inputs[0]!["name"] = "../../../config.json";
        var hostile = new JsonObject
        {
            ["source"] = WebFixture.Source(2),
            ["folder"] = "/x",
            ["inputs"] = inputs.DeepClone(),
        }.ToJsonString();
        using var refused = await web.Post("/api/studies", hostile);
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Contains("not the name of a file", await WebFixture.Error(refused), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Submit_brings_the_files_along_and_results_come_in_every_shape()
    {
        await using var web = await WebFixture.StartAsync();
        web.Desk.Submitted = RunState.Completed;
        var mine = Copy("gt-ioi", Path.Combine(web.Folder, "mine", "model"));
        var study = Path.Combine(web.Folder, "mine", "s.conf");
        await File.WriteAllTextAsync(study, WebFixture.Source().Replace(Interp.Model("gt-ioi"), "model", StringComparison.Ordinal));
        var run = await Interp.Here("run", study, "--out", Path.Combine(web.Folder, "here"), "--quiet");
        Assert.True(run.Code == ExitCode.Done, run.Error);
        var submitted = await Interp.Here("submit", study, "--cluster", web.Url);
        Assert.True(submitted.Code == ExitCode.Done, submitted.Error);
        Directory.Delete(mine, recursive: true);

        var id = submitted.Output.TrimEnd();
        var there = Path.Combine(web.Folder, "there");
        Assert.Equal(ExitCode.Done, (await Interp.Here("export", id, "--cluster", web.Url, "--format", "csv", "--out", there)).Code);
        Assert.Equal(ExitCode.Done, (await Interp.Here("export", id, "--cluster", web.Url, "--format", "parquet", "--out", there)).Code);
        var none = await Interp.Here("export", id, "--cluster", web.Url, "--format", "mib", "--out", Path.Combine(web.Folder, "none"));
        Assert.Equal(ExitCode.WrongInput, none.Code);
        Assert.Contains("no circuit", none.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(web.Folder, "none")));

        var here = await File.ReadAllBytesAsync(Path.Combine(web.Folder, "here", "results.csv"));
        Assert.Equal(here, await File.ReadAllBytesAsync(Path.Combine(there, "results.csv")));
        Assert.Equal(await File.ReadAllBytesAsync(Path.Combine(web.Folder, "here", "results.parquet")),
            await File.ReadAllBytesAsync(Path.Combine(there, "results.parquet")));
        using var zip = new ZipArchive(new MemoryStream(await web.Http.GetByteArrayAsync($"/api/studies/{id}/results.zip")));
        await using (var entry = zip.GetEntry($"{id}/results.csv")!.Open())
        {
            using var unpacked = new MemoryStream();
            await entry.CopyToAsync(unpacked);
            Assert.Equal(here, unpacked.ToArray());
        }
        Assert.Contains(zip.Entries, e => e.FullName == $"{id}/report.html");
        using var part = new HttpRequestMessage(HttpMethod.Get, $"/api/studies/{id}/results/results.csv");
        part.Headers.Range = new RangeHeaderValue(5, 14);
        using var ranged = await web.Http.SendAsync(part);
        Assert.Equal(here[5..15], await ranged.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task A_model_that_cannot_run_is_refused_in_one_line_when_it_is_submitted()
    {
        await using var web = await WebFixture.StartAsync();
        var model = Copy("gt-ioi", Path.Combine(web.Folder, "mine", "model"));
        var weights = Path.Combine(model, "model.safetensors");
        var bytes = await File.ReadAllBytesAsync(weights);
        BitConverter.GetBytes(float.NaN).CopyTo(bytes, bytes.Length - 4);
        await File.WriteAllBytesAsync(weights, bytes);
        var study = Path.Combine(web.Folder, "mine", "s.conf");
        await File.WriteAllTextAsync(study, WebFixture.Source().Replace(Interp.Model("gt-ioi"), "model", StringComparison.Ordinal));

        var refused = await Interp.Here("submit", study, "--cluster", web.Url);
        Assert.Equal(ExitCode.WrongInput, refused.Code);
        var said = refused.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var line = Assert.Single(said, l => !l.StartsWith("sending ", StringComparison.Ordinal));
        Assert.StartsWith("interp: ", line, StringComparison.Ordinal);
        Assert.Contains("NaN", line, StringComparison.Ordinal);
        Assert.Contains("model.safetensors", line, StringComparison.Ordinal);
        Assert.DoesNotContain("artifacts", line, StringComparison.Ordinal);
        Assert.Equal(0, web.Desk.Begun);

        await File.WriteAllTextAsync(study, WebFixture.Source().Replace(Interp.Model("gt-ioi"), "no such model", StringComparison.Ordinal));
        var absent = await Interp.Here("submit", study, "--cluster", web.Url);
        Assert.Equal(ExitCode.WrongInput, absent.Code);
        Assert.Contains("no model 'no such model'", absent.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_format_takes_its_files_and_no_others()
    {
        string[] names =
        [
            "artifacts/0123", "results.csv", "results.parquet", "training.csv", "report.html", "topk/cfg.json", "topk/sae/cfg.json",
            "topk/sae/sae_weights.safetensors", "topk/sae/log.csv", "other/cfg.json", "topk/saebench-core.json",
        ];
        var files = names.Select(n => new ResultFile(n, 1, "")).ToArray();
        Assert.Equal(["results.csv", "training.csv"], ExportFormat.FilesOf("csv", files, "it").Select(f => f.Name));
        Assert.Equal(["results.parquet"], ExportFormat.FilesOf("parquet", files, "it").Select(f => f.Name));
        Assert.Contains("it has made no circuit", Assert.Throws<StudyException>(() => ExportFormat.FilesOf("mib", files, "it")).Message,
            StringComparison.Ordinal);
        Assert.Equal(["topk/sae/cfg.json", "topk/sae/sae_weights.safetensors", "topk/sae/log.csv"],
            ExportFormat.FilesOf("saelens", files, "it").Select(f => f.Name));
        Assert.Equal(["topk/saebench-core.json"], ExportFormat.FilesOf("saebench", files, "it").Select(f => f.Name));
    }

    private static async Task<HttpResponseMessage> Put(WebFixture web, string url, byte[] part, long from, long total)
    {
        var content = new ByteArrayContent(part);
        if (part.Length < total) content.Headers.ContentRange = new ContentRangeHeaderValue(from, from + part.Length - 1, total);
        return await web.Http.PutAsync(url, content);
    }

    private static async Task<long> Offset(WebFixture web, string url)
    {
        using var answer = await web.Http.SendAsync(new HttpRequestMessage(HttpMethod.Head, url));
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        return long.Parse(Assert.Single(answer.Headers.GetValues("Upload-Offset")), CultureInfo.InvariantCulture);
    }

    private static ArtifactId Name(byte[] content) => ArtifactId.Of(SHA256.HashData(content));

    private static byte[] Random(int seed, int length)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static string Copy(string model, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.EnumerateFiles(Interp.Model(model))) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        return to;
    }
}
