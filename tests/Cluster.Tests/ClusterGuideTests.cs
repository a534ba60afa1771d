using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using InterpActors.Host.Commands;

namespace InterpActors.Cluster.Tests;

/// <summary>The lines of <c>docs/cluster.md</c> that a new user pastes.</summary>
public sealed partial class ClusterGuideTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("guide-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Its_first_block_leads_to_a_report_and_the_second_one_ends_the_nodes()
    {
        var root = SmallStudy.Root();
        var guide = await File.ReadAllTextAsync(Path.Combine(root, "docs", "cluster.md"));
        var blocks = Shell().Matches(guide).Select(m => m.Groups[1].Value).ToList();
        Assert.Equal(2, blocks.Count);
        // Published already, beside this test; everything else is as it stands, but for the ports.
        var program = Path.GetDirectoryName(typeof(CommandLine).Assembly.Location)!;
        Directory.CreateDirectory(Path.Combine(_folder, "build"));
        Directory.CreateSymbolicLink(Path.Combine(_folder, "build", "program"), program);
        Directory.CreateSymbolicLink(Path.Combine(_folder, "studies"), Path.Combine(root, "studies"));
        var lines = blocks[0].Split('\n');
        Assert.StartsWith("dotnet publish ", lines[0], StringComparison.Ordinal);
        var (akka, http) = FreePorts();
        var script = "set -eu\n" + string.Join('\n', lines[1..]).Replace("4053", $"{akka}").Replace("8558", $"{http}")
            // The page that the text names.
            + $"exec 3<>/dev/tcp/127.0.0.1/{http}\n"
            + "printf 'GET / HTTP/1.0\\r\\nHost: 127.0.0.1\\r\\n\\r\\n' >&3; grep -q '<title>InterpActors' <&3\n"
            + blocks[1] + "test -z \"$(jobs -r)\" && echo \"the end\"\n";

        var start = new ProcessStartInfo("bash", ["-c", script])
        {
            WorkingDirectory = _folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // The published program looks for its runtime where that of this test is: ROOT/shared/Microsoft.NETCore.App/VERSION/.
        start.Environment["DOTNET_ROOT"] = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        start.Environment.Remove("INTERP_TOKEN");
        using var shell = Process.Start(start)!;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        try
        {
            var (output, error) = (shell.StandardOutput.ReadToEndAsync(limit.Token), shell.StandardError.ReadToEndAsync(limit.Token));
            await shell.WaitForExitAsync(limit.Token);
            Assert.True(shell.ExitCode == 0, $"{await output}\n{await error}");
            Assert.EndsWith("the end\n", await output, StringComparison.Ordinal);
        }
        finally
        {
            if (!shell.HasExited) shell.Kill(entireProcessTree: true);
        }
        Assert.True(File.Exists(Path.Combine(_folder, "runs", "first-cluster", "report.html")));
        Assert.True(File.ReadLines(Path.Combine(_folder, "runs", "first-cluster", "results.csv")).Count() > 100);
    }

    internal static (int, int) FreePorts()
    {
        using var one = new TcpListener(IPAddress.Loopback, 0);
        using var two = new TcpListener(IPAddress.Loopback, 0);
        one.Start();
        two.Start();
        return (((IPEndPoint)one.LocalEndpoint).Port, ((IPEndPoint)two.LocalEndpoint).Port);
    }

    [GeneratedRegex("```sh\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Shell();
}
