using System.Runtime.InteropServices;
using InterpActors.Host.Commands;

namespace InterpActors.Host.Tests.Runs;

public sealed class InterruptTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("interrupt-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData(2)]
    [InlineData(15)]
    public async Task The_first_signal_flushes_the_journal_and_tells_how_to_go_on(int signal)
    {
        var study = Path.Combine(_root, "s.conf");
        await File.WriteAllTextAsync(study, $$"""
            study {
              name = interrupted
              model { path = "{{Interp.Model("tr-ioi")}}", dtype = fp64 }
              task { kind = ioi, n = 1000 }
              method { kind = activation-patching, components = [resid_pre, attn_out, mlp_out, z, q, k, v], by = position }
            }
            """);
        var folder = Path.Combine(_root, "run");
        HearInterrupts();
        using var child = Interp.Start("run", study, "--out", folder, "--workers", "2");
        while (await child.StandardOutput.ReadLineAsync() is { } line)
        {
            if (!line.Contains(" units ", StringComparison.Ordinal)) continue;
            Assert.Equal(0, Kill(child.Id, signal));
            break;
        }
        var outcome = await child.Finish();
        Assert.Equal(ExitCode.Interrupted, outcome.Code);
        Assert.Contains("run the same command again to go on", outcome.Output, StringComparison.Ordinal);
        Assert.Empty(outcome.Error);

        var status = await Interp.Here("status", folder, "--json");
        var json = System.Text.Json.Nodes.JsonNode.Parse(status.Output)!;
        Assert.Equal("paused", (string)json["state"]!);
        var process = Assert.Single(json["processes"]!.AsArray())!;
        Assert.NotNull(process["ended"]);
        Assert.Equal((long)process["units_computed"]!, (long)process["units_committed"]!);
        Assert.InRange((long)json["units"]!["committed"]!, 0, (long)json["units"]!["planned"]! - 1);
    }

    /// <summary>
    /// A shell starts its background jobs with SIGINT ignored, and so would the child be: it inherits that from the tests.
    /// </summary>
    private static void HearInterrupts()
    {
        var ignored = File.ReadLines("/proc/self/status").First(l => l.StartsWith("SigIgn:", StringComparison.Ordinal))["SigIgn:".Length..];
        if ((Convert.ToUInt64(ignored.Trim(), 16) & 2) != 0) SetHandler(2, 0);
    }

    [DllImport("libc", EntryPoint = "signal", SetLastError = true)]
    private static extern nint SetHandler(int signal, nint handler);

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int Kill(int process, int signal);
}
