using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using InterpActors.Host.Commands;

namespace InterpActors.Bench.Scale;

/// <summary>
/// Processor time that the nodes of a cluster with nothing to do use, in percent of one core: a coordinator with its HTTP server, and a
/// compute node, each a process of its own. Linux only (<c>/proc</c>).
/// </summary>
internal sealed class IdleNodes : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<(string Name, Process Process)> _nodes = [];

    /// <summary>Starts the nodes; null where their processor time cannot be read.</summary>
    public static async Task<IdleNodes?> StartAsync()
    {
        if (!OperatingSystem.IsLinux())
        {
            Console.WriteLine("idle_cpu_percent is measured on Linux only");
            return null;
        }
        var nodes = new IdleNodes();
        try
        {
            var coordinator = await nodes.StartAsync("coordinator");
            await nodes.StartAsync("compute", "--seed-node", coordinator);
            return nodes;
        }
        catch
        {
            nodes.Dispose();
            throw;
        }
    }

    /// <summary>Measures them; they should have been up for a while, so that nothing is compiled any more.</summary>
    public async Task MeasureAsync(JsonObject figures, bool quick)
    {
        var clock = Stopwatch.StartNew();
        var before = _nodes.Select(n => ProcessorSeconds(n.Process)).ToArray();
        await Task.Delay(TimeSpan.FromSeconds(quick ? 10 : 30));
        var seconds = clock.Elapsed.TotalSeconds;
        var shares = _nodes.Select((n, i) => 100 * (ProcessorSeconds(n.Process) - before[i]) / seconds).ToArray();
        foreach (var (node, share) in _nodes.Zip(shares)) Add(figures, $"idle_cpu_percent_{node.Name}", share);
        Add(figures, "idle_cpu_percent", shares.Max());
    }

    public void Dispose()
    {
        foreach (var (_, process) in _nodes)
        {
            if (!process.HasExited) process.Kill();
            process.WaitForExit();
            process.Dispose();
        }
        _folder.Dispose();
    }

    private static double ProcessorSeconds(Process process)
    {
        process.Refresh();
        return process.TotalProcessorTime.TotalSeconds;
    }

    private static void Add(JsonObject figures, string name, double value)
    {
        figures[name] = value;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-36} {value,12:G3}"));
    }

    /// <summary>Starts a node and returns the address that others join it at.</summary>
    private async Task<string> StartAsync(string role, params string[] more)
    {
        string[] arguments = ["node", "--roles", role, "--data", Path.Combine(_folder.Path, role), .. more];
        var process = Process.Start(new ProcessStartInfo("dotnet", [typeof(CommandLine).Assembly.Location, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        _nodes.Add((role, process));
        _ = process.StandardError.ReadToEndAsync();
        var line = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException($"the {role} node ended");
        return line.Split(' ').First(w => w.StartsWith("akka=", StringComparison.Ordinal))["akka=".Length..];
    }
}
