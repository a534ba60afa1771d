using System.Diagnostics;
using System.Text;
using InterpActors.Host.Commands;

// The tests mostly wait for failure detectors; two at a time leave each a core.
[assembly: CollectionBehavior(MaxParallelThreads = 2)]

namespace InterpActors.Cluster.Tests;

/// <summary>A node as a process of its own.</summary>
public sealed class NodeProcess : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _errors = new();

    private NodeProcess(Process process) => _process = process;

    /// <summary><c>host:port</c> as the node printed it.</summary>
    public string Address { get; private set; } = "";

    /// <summary>The URL of its HTTP API as the node printed it; empty where it has none.</summary>
    public string Http { get; private set; } = "";

    public static Task<NodeProcess> StartAsync(params string[] arguments) => StartInAsync("", arguments);

    /// <param name="folder">The working folder; the test's own where it is empty.</param>
    /// <param name="program">The program; null for this build's.</param>
    /// <param name="network">A network namespace; null for the machine's own.</param>
    public static async Task<NodeProcess> StartInAsync(string folder, string[] arguments, string? program = null, string? network = null)
    {
        var node = new NodeProcess(Start(["node", .. arguments], folder, program, network));
        try
        {
            node._process.ErrorDataReceived += (_, e) =>
            {
                lock (node._errors) node._errors.AppendLine(e.Data);
            };
            node._process.BeginErrorReadLine();
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            var line = await node._process.StandardOutput.ReadLineAsync(limit.Token);
            Assert.StartsWith("ready akka=", line ?? node.Errors, StringComparison.Ordinal);
            var said = line!.Split(' ');
            node.Address = said[1]["akka=".Length..];
            if (said.Length > 2) node.Http = $"http://{said[2]["http=".Length..]}";
            return node;
        }
        catch
        {
            node.Dispose();
            throw;
        }
    }

    /// <summary>Runs the program to its end; its exit code.</summary>
    public static async Task<int> RunAsync(params string[] arguments) => (await FinishAsync(arguments)).Code;

    /// <summary>Runs the program to its end; its exit code and what it said on the error stream.</summary>
    public static Task<(int Code, string Errors)> FinishAsync(params string[] arguments) => FinishInAsync(null, arguments);

    /// <param name="network">A network namespace; null for the machine's own.</param>
    public static async Task<(int Code, string Errors)> FinishInAsync(string? network, params string[] arguments)
    {
        using var process = Start(arguments, network: network);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        _ = process.StandardOutput.ReadToEndAsync(limit.Token);
        var errors = process.StandardError.ReadToEndAsync(limit.Token);
        try
        {
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, await errors);
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }
    }

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGSTOP.</summary>
    public Task FreezeAsync() => Signal("STOP");

    /// <summary>SIGCONT.</summary>
    public Task ThawAsync() => Signal("CONT");

    /// <summary>SIGTERM; the exit code.</summary>
    public async Task<int> LeaveAsync()
    {
        await Signal("TERM");
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await _process.WaitForExitAsync(limit.Token);
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }

    private async Task Signal(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", $"{_process.Id}"]);
        await kill.WaitForExitAsync();
    }

    /// <summary>What it has said so far on the error stream.</summary>
    public string Errors
    {
        get
        {
            lock (_errors) return _errors.ToString();
        }
    }

    private static Process Start(string[] arguments, string folder = "", string? program = null, string? network = null)
    {
        string[] command = ["dotnet", program ?? typeof(CommandLine).Assembly.Location, .. arguments];
        if (network is not null) command = ["ip", "netns", "exec", network, .. command];
        return Process.Start(new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder,
            // A process that is killed would leave the sockets and pipes of its diagnostics in the temporary folder.
            Environment = { ["DOTNET_EnableDiagnostics"] = "0" },
        })!;
    }
}
