using System.Text.Json.Nodes;
using InterpActors.Host.Commands;

namespace InterpActors.Cluster.Tests;

/// <summary>A study that is watched from outside while its coordinator is killed.</summary>
public sealed class WatchTests(SmallStudy small) : ClusterTest(small), IClassFixture<SmallStudy>
{
    [Fact]
    public async Task A_killed_coordinator_that_comes_back_is_watched_on_to_the_end()
    {
        string[] arguments = ["--roles", "coordinator", "--data", At("coordinator")];
        using var first = await NodeProcess.StartAsync([.. arguments, "--http", "127.0.0.1:0"]);
        var (url, ports) = (first.Http, new[] { "--port", first.Address.Split(':')[1], "--http", first.Http.Split(':')[2] });
        using var compute = await Compute("compute", first.Address);
        var id = (await Here("submit", Small.File, "--cluster", url)).Output.TrimEnd();

        var watching = Here("watch", id, "--cluster", url);
        using (var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60)))
            while (await Committed(id, url) < 3) await Task.Delay(50, limit.Token);
        await first.KillAsync();
        using var second = await NodeProcess.StartAsync([.. arguments, .. ports]);

        var watched = await watching.WaitAsync(TimeSpan.FromSeconds(90));
        Assert.True(watched.Code == ExitCode.Done, watched.Error);
        Assert.Contains($"{id} is completed", watched.Output, StringComparison.Ordinal);
        var status = JsonNode.Parse((await Here("status", id, "--cluster", url, "--json")).Output)!;
        Assert.Equal("completed", (string)status["state"]!);
        Assert.Equal((long)status["units"]!["planned"]!, (long)status["units"]!["committed"]!);
        Assert.All(status["layers"]!.AsArray(), l => Assert.Equal((long)l!["count"]!, (long)l["committed"]!));
        Assert.Equal(3, status["best"]!.AsArray().Count);
    }

    private static async Task<long> Committed(string id, string url) =>
        (long)JsonNode.Parse((await Here("status", id, "--cluster", url, "--json")).Output)!["units"]!["committed"]!;

    private static async Task<(int Code, string Output, string Error)> Here(params string[] arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = await CommandLine.RunAsync(arguments, output, error);
        return (code, output.ToString(), error.ToString());
    }
}
