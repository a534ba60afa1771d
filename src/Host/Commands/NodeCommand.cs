using System.CommandLine;
using InterpActors.Actors.Configuration;
using InterpActors.Compute.Studies;
using InterpActors.Host.Hosting;
using InterpActors.Host.Runs;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Commands;

/// <summary><c>interp node</c>: one member of a cluster, until a signal asks it to leave.</summary>
internal static class NodeCommand
{
    public static Command Create()
    {
        var roles = new Option<string>("--roles") { HelpName = "ROLES", Description = "coordinator, compute or coordinator,compute", Required = true };
        var host = new Option<string>("--host") { HelpName = "H", Description = "The name or address that the other nodes use", DefaultValueFactory = _ => "127.0.0.1" };
        var port = new Option<int>("--port") { HelpName = "P", Description = "Port for the other nodes; 0 picks a free one", DefaultValueFactory = _ => 0 };
        port.Validators.Add(r =>
        {
            if (r.Tokens.Count == 1 && int.TryParse(r.Tokens[0].Value, out var n) && n is < 0 or > 65535) r.AddError($"--port {n} is out of range, 0 to 65535 are possible");
        });
        var seeds = new Option<string[]>("--seed-node")
        {
            HelpName = "HOST:PORT", Description = "A node to join (repeatable); without any, the node founds a cluster", DefaultValueFactory = _ => [],
        };
        var journal = new Option<string?>("--journal") { HelpName = "sqlite:PATH", Description = "A coordinator's journal (default: journal.db in the data folder)" };
        var data = new Option<string?>("--data") { HelpName = "DIR", Description = "The node's folder (default: interp-node-PORT)" };
        var workers = SharedOptions.Positive("--workers", PhysicalCores.Count, "Units a compute node computes at a time (default: physical cores)");
        var config = new Option<string?>("--config") { HelpName = "FILE.conf", Description = "Settings that win over the files in hocon/ (or INTERP_CONFIG)" };
        var set = SharedOptions.Set();
        set.Description = "Overrides a setting of hocon/, e.g. --set interp.node.drain=10s (repeatable)";
        var command = new Command("node", "Runs one node of a cluster until SIGTERM") { roles, host, port, seeds, journal, data, workers, config, set };
        command.SetAction(async parsed =>
        {
            using var engine = new StudyEngine();
            var options = new ClusterNodeOptions(Roles(parsed.GetValue(roles)!), Data(parsed.GetValue(data), parsed.GetValue(port)), engine, engine)
            {
                Host = parsed.GetValue(host)!,
                Port = parsed.GetValue(port),
                Seeds = parsed.GetValue(seeds)!,
                JournalPath = JournalPath(parsed.GetValue(journal)),
                Workers = parsed.GetValue(workers),
                Configuration = Text(parsed.GetValue(config) ?? Environment.GetEnvironmentVariable("INTERP_CONFIG")),
                Overrides = string.Concat(parsed.GetValue(set)!.Select(s => s + "\n")),
            };
            return await RunAsync(options, parsed.InvocationConfiguration.Output);
        });
        return command;
    }

    private static async Task<int> RunAsync(ClusterNodeOptions options, TextWriter output)
    {
        using var interrupts = new Interrupts();
        interrupts.Arm();
        try
        {
            await using var node = await ClusterNode.StartAsync(options, interrupts.Asked);
            await output.WriteLineAsync($"ready akka={node.Host}:{node.Port}");
            await output.FlushAsync();
            await Task.Delay(Timeout.Infinite, interrupts.Asked);
        }
        catch (OperationCanceledException) when (interrupts.Asked.IsCancellationRequested)
        {
            // Asked to leave; the node has left.
        }
        return ExitCode.Done;
    }

    private static IReadOnlyList<string> Roles(string text)
    {
        var roles = text.Split(',', StringSplitOptions.TrimEntries);
        if (roles.FirstOrDefault(r => !ClusterMembers.Roles.Contains(r)) is { } unknown)
            throw new StudyException($"there is no role '{unknown}'", "--roles", $"roles are {string.Join(" and ", ClusterMembers.Roles)}");
        return [.. roles.Distinct()];
    }

    private static string Data(string? data, int port) => Path.GetFullPath(data ?? $"interp-node-{(port == 0 ? $"{Environment.ProcessId}" : port)}");

    private static string? JournalPath(string? journal)
    {
        const string Sqlite = "sqlite:";
        if (journal is null) return null;
        if (!journal.StartsWith(Sqlite, StringComparison.Ordinal) || journal.Length == Sqlite.Length)
            throw new StudyException($"'{journal}' is no journal", "--journal", "write sqlite:PATH");
        return Path.GetFullPath(journal[Sqlite.Length..]);
    }

    private static string Text(string? file)
    {
        if (file is null) return "";
        if (!File.Exists(file)) throw new StudyException("there is no such file", file, "name a HOCON file with settings");
        return File.ReadAllText(file);
    }
}
