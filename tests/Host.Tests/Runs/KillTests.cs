using System.Text.Json.Nodes;

namespace InterpActors.Host.Tests.Runs;

/// <summary>
/// A study killed at random moments and run again each time. The suite kills ten times; <c>INTERP_KILLS=100</c> more often.
/// </summary>
public sealed class KillTests : IDisposable
{
    private const int Workers = 2;
    private readonly string _root = Directory.CreateTempSubdirectory("kill-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task Killed_at_random_moments_gives_the_bytes_of_an_uninterrupted_run_and_computes_nothing_twice()
    {
        var study = Path.Combine(_root, "s.conf");
        await File.WriteAllTextAsync(study, $$"""
            study {
              name = killed
              model { path = "{{Interp.Model("tr-ioi")}}", dtype = fp32 }
              task { kind = ioi, n = 64 }
              metric { kind = logit-difference }
              method { kind = activation-patching, components = [resid_pre, attn_out, mlp_out, z], by = position }
            }
            """);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var whole = await Interp.Start("run", study, "--out", At("whole"), "--workers", "1", "--quiet").Finish();
        var seconds = clock.Elapsed.TotalSeconds;
        Assert.True(whole.Code == 0, whole.Error);
        var expected = await File.ReadAllBytesAsync(At("whole/results.csv"));

        var four = await Interp.Start("run", study, "--out", At("four"), "--workers", "4", "--quiet").Finish();
        Assert.True(four.Code == 0, four.Error);
        Assert.Equal(expected, await File.ReadAllBytesAsync(At("four/results.csv")));

        var kills = int.TryParse(Environment.GetEnvironmentVariable("INTERP_KILLS"), out var n) ? n : 10;
        var random = new Random(20260);
        int done = 0, runs = 0, killed = 0;
        while (done < kills)
        {
            var folder = At($"killed-{runs++}");
            var here = 0;
            // A few kills each, so that every stretch of a run is met: start-up, early units, late units, outputs.
            for (var k = Math.Min(random.Next(1, 6), kills - done); k > 0; k--)
            {
                using var child = Interp.Start("run", study, "--out", folder, "--workers", $"{Workers}", "--quiet");
                await Task.Delay(TimeSpan.FromSeconds(random.NextDouble() * seconds));
                child.Kill();
                await child.WaitForExitAsync();
                done++;
                if (child.ExitCode != 0) here++;
            }
            killed += here;
            var last = await Interp.Start("run", study, "--out", folder, "--workers", $"{Workers}", "--quiet").Finish();
            Assert.True(last.Code == 0, last.Error);
            Assert.Equal(expected, await File.ReadAllBytesAsync(Path.Combine(folder, "results.csv")));
            CheckAccounts(folder, here);
        }
        Assert.True(killed > 0, "no kill came before the end of its run");
    }

    private static void CheckAccounts(string folder, int kills)
    {
        var summary = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "summary.json")))!;
        var planned = (long)summary["units"]!["planned"]!;
        var processes = summary["processes"]!.AsArray();
        var computed = processes.Sum(p => (long)p!["units_computed"]!);
        var committed = processes.Sum(p => (long)p!["units_committed"]!);
        Assert.Equal("completed", (string)summary["state"]!);
        Assert.Equal(planned, (long)summary["units"]!["committed"]!);
        Assert.Equal(planned, committed);
        Assert.InRange(computed - committed, 0, Workers * kills);
        Assert.All(processes, p => Assert.True((long)p!["units_computed"]! >= (long)p["units_committed"]!));
    }

    private string At(string name) => Path.Combine(_root, name);
}
