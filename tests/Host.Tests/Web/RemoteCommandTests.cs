using System.Text.Json.Nodes;
using InterpActors.Host.Commands;
using InterpActors.Host.Remote;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Tests.Web;

/// <summary>The commands of a machine that is no member, against a coordinator's API.</summary>
public sealed class RemoteCommandTests
{
    [Fact]
    public async Task Submit_prints_the_id_first_and_report_writes_the_bytes_of_a_run()
    {
        await using var web = await WebFixture.StartAsync();
        web.Desk.Submitted = RunState.Completed;
        var file = web.Write("s.conf", WebFixture.Source());
        var submitted = await Interp.Here("submit", file, "--cluster", web.Url);
        Assert.True(submitted.Code == ExitCode.Done, submitted.Error);
        var id = submitted.Output.TrimEnd();
        Assert.Equal(id, new StudyId(id).Value);

        var there = Path.Combine(web.Folder, "there");
        for (var again = 0; again < 2; again++)
        {
            var report = await Interp.Here("report", id, "--cluster", web.Url, "--out", there);
            Assert.True(report.Code == ExitCode.Done, report.Error);
            Assert.Contains("report.html", report.Output, StringComparison.Ordinal);
        }
        var here = Path.Combine(web.Folder, "here");
        var run = await Interp.Here("run", file, "--out", here, "--quiet");
        Assert.True(run.Code == ExitCode.Done, run.Error);
        foreach (var name in new[] { "results.csv", "results.parquet" })
            Assert.Equal(await File.ReadAllBytesAsync(Path.Combine(here, name)), await File.ReadAllBytesAsync(Path.Combine(there, name)));

        var refused = await Interp.Here("report", id, "--cluster", web.Url, "--out", here);
        Assert.Equal(ExitCode.WrongInput, refused.Code);
        Assert.Contains("run on this machine", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Submit_watches_to_the_end_and_writes_the_folder()
    {
        await using var web = await WebFixture.StartAsync();
        var file = web.Write("s.conf", WebFixture.Source());
        var folder = Path.Combine(web.Folder, "out");
        var watching = Interp.Here("submit", file, "--cluster", web.Url, "--watch", "--out", folder);
        while (web.Desk.Begun == 0) await Task.Delay(20);
        var id = (await web.Desk.ListAsync()).Single().Study;
        web.Desk.Put(id, p => p with { State = RunState.Completed, Committed = p.Planned });
        var done = await watching;
        Assert.True(done.Code == ExitCode.Done, done.Error);
        Assert.StartsWith(id.Value, done.Output, StringComparison.Ordinal);
        Assert.Contains("is completed", (await Interp.Here("watch", id.Value, "--cluster", web.Url)).Output, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(folder, "results.csv")));
    }

    [Fact]
    public async Task Studies_are_listed_looked_at_and_changed()
    {
        await using var web = await WebFixture.StartAsync();
        var id = await web.Submitted();
        Assert.Contains(id, (await Interp.Here("list", "--cluster", web.Url)).Output, StringComparison.Ordinal);
        var list = JsonNode.Parse((await Interp.Here("list", "--cluster", web.Url, "--json")).Output)!;
        Assert.Equal(id, (string)list["studies"]![0]!["study"]!);
        Assert.Contains("state      running", (await Interp.Here("status", id, "--cluster", web.Url)).Output, StringComparison.Ordinal);
        foreach (var (verb, state) in new[] { ("pause", "paused"), ("resume", "running"), ("cancel", "cancelled") })
        {
            Assert.Contains(state, (await Interp.Here(verb, id, "--cluster", web.Url)).Output, StringComparison.Ordinal);
            var status = JsonNode.Parse((await Interp.Here("status", id, "--cluster", web.Url, "--json")).Output)!;
            Assert.Equal(state, (string)status["state"]!);
        }
        Assert.Equal(ExitCode.Failed, (await Interp.Here("watch", id, "--cluster", web.Url)).Code);
        Assert.Equal(ExitCode.WrongInput, (await Interp.Here("pause", id, "--cluster", web.Url)).Code);
    }

    [Fact]
    public async Task What_goes_wrong_is_one_line_and_the_right_exit_code()
    {
        await using var web = await WebFixture.StartAsync();
        await using var closed = await WebFixture.StartAsync("token");
        var bad = web.Write("bad.conf", WebFixture.Source().Replace("seed", "sed", StringComparison.Ordinal));
        const string id = "none-0123456789ab";
        foreach (var (code, part, arguments) in new (int, string, string[])[]
        {
            (ExitCode.Failed, "cannot be reached", ["list", "--cluster", "http://127.0.0.1:1"]),
            (ExitCode.WrongInput, "a token is needed", ["list", "--cluster", closed.Url]),
            (ExitCode.WrongInput, "no study 'none-0123456789ab'", ["watch", id, "--cluster", web.Url]),
            (ExitCode.WrongInput, "no study 'none-0123456789ab'",
                ["report", id, "--cluster", web.Url, "--out", Path.Combine(web.Folder, "x")]),
            (ExitCode.WrongInput, "is not a study's id", ["status", "What", "--cluster", web.Url]),
            (ExitCode.WrongInput, "not the address", ["list", "--cluster", "nonsense"]),
            (ExitCode.WrongInput, "no study file", ["submit", "--cluster", web.Url]),
            (ExitCode.WrongInput, "no such file", ["submit", "nowhere.conf", "--cluster", web.Url]),
            (ExitCode.WrongInput, "unknown key", ["submit", bad, "--cluster", web.Url]),
        })
        {
            var outcome = await Interp.Here(arguments);
            Assert.True(outcome.Code == code, $"{string.Join(' ', arguments)}: {outcome.Code} {outcome.Error}");
            Assert.Contains(part, outcome.Error, StringComparison.Ordinal);
            Assert.Single(outcome.Error.TrimEnd().Split('\n'));
        }
        Assert.False(Directory.Exists(Path.Combine(web.Folder, "x")));
        Assert.Equal(0, web.Desk.Begun);
    }

    [Fact]
    public async Task A_token_is_sent_and_a_wrong_one_is_said_to_be_wrong()
    {
        await using var web = await WebFixture.StartAsync("right");
        using var right = new ClusterClient(web.Url, "right");
        Assert.Empty((await right.ListAsync()).Studies);
        using var wrong = new ClusterClient(web.Url, "wrong");
        Assert.Contains("token is wrong", (await Assert.ThrowsAsync<StudyException>(wrong.ListAsync)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_coordinator_is_asked_where_one_is_gone()
    {
        await using var first = await WebFixture.StartAsync();
        await using var second = await WebFixture.StartAsync();
        var id = new StudyId(await first.Submitted());
        Assert.Equal(id.Value, await second.Submitted());
        var list = await Interp.Here("list", "--cluster", $"http://127.0.0.1:1, {second.Url}");
        Assert.Contains(id.Value, list.Output, StringComparison.Ordinal);

        var watching = Interp.Here("watch", id.Value, "--cluster", $"{first.Url},{second.Url}");
        await Task.Delay(300);
        Assert.False(watching.IsCompleted);
        await first.Web.DisposeAsync();
        second.Desk.Put(id, p => p with { State = RunState.Completed, Committed = p.Planned });
        var watched = await watching.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.True(watched.Code == ExitCode.Done, watched.Error);
        Assert.Contains("is completed", watched.Output, StringComparison.Ordinal);
    }
}
