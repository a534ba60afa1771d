using System.CommandLine;
using InterpActors.Actors.Artifacts;
using InterpActors.Actors.Configuration;
using InterpActors.Actors.Journal;
using InterpActors.Compute.Devices;
using InterpActors.Compute.Studies;
using InterpActors.Host.Certificates;
using InterpActors.Host.Hosting;
using InterpActors.Host.Runs;
using InterpActors.Host.Web;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Commands;

/// <summary><c>interp node</c>: one member of a cluster, until a signal asks it to leave.</summary>
internal static class NodeCommand
{
    public static Command Create()
    {
        var roles = new Option<string>("--roles")
        {
            HelpName = "ROLES",
            Description = "coordinator, compute or coordinator,compute",
            Required = true,
        };
        var host = new Option<string>("--host")
        {
            HelpName = "H",
            Description = "The name or address that the other nodes use",
            DefaultValueFactory = _ => "127.0.0.1",
        };
        var port = new Option<int>("--port")
        {
            HelpName = "P",
            Description = "Port for the other nodes; 0 picks a free one",
            DefaultValueFactory = _ => 0,
        };
        port.Validators.Add(r =>
        {
            if (r.Tokens.Count == 1 && int.TryParse(r.Tokens[0].Value, out var n) && n is < 0 or > 65535)
                r.AddError($"--port {n} is out of range, 0 to 65535 are possible");
        });
        var seeds = new Option<string[]>("--seed-node")
        {
            HelpName = "HOST:PORT",
            Description = "A node to join (repeatable); without any, the node founds a cluster",
            DefaultValueFactory = _ => [],
        };
        var journal = new Option<string?>("--journal")
        {
            HelpName = "J",
            Description = "A coordinator's journal: sqlite:PATH (default: journal.db in the data folder), or "
                + "postgres://USER@HOST/DATABASE for several coordinators (also postgres: and a connection string of Npgsql; "
                + "PGPASSWORD holds the password)",
        };
        var http = new Option<string?>("--http")
        {
            HelpName = "[HOST:]P",
            Description = "Where a coordinator's HTTP API and page listen (default: a free port of 127.0.0.1)",
        };
        var token = new Option<string?>("--token")
        {
            HelpName = "T",
            Description = "What HTTP requests must carry (default: INTERP_TOKEN; without one only this machine is answered)",
        };
        var data = new Option<string?>("--data") { HelpName = "DIR", Description = "The node's folder (default: interp-node-PORT)" };
        var devices = new Option<string?>("--devices")
        {
            HelpName = "LIST",
            Description = "What a compute node computes on, e.g. cpu,cuda:0 (default: the CPU and every CUDA device)",
        };
        var workers = new Option<int?>("--workers")
        {
            HelpName = "N",
            Description = "Units computed at a time on the CPU (default: physical cores / threads); a CUDA device has one more",
        };
        workers.Validators.Add(r => SharedOptions.CheckRange(r, "--workers"));
        var threads = SharedOptions.Positive("--threads", 1,
            "Threads meant for each CPU worker; studies say how many they take, and workers with as many come first");
        var certs = new Option<string?>("--certs")
        {
            HelpName = "DIR",
            Description = "Certificates, from interp certs: only nodes of the same authority are let in (default: INTERP_CERTS)",
        };
        var config = new Option<string?>("--config")
        {
            HelpName = "FILE.conf",
            Description = "Settings that win over the files in hocon/ (or INTERP_CONFIG)",
        };
        var set = SharedOptions.Set();
        set.Description = "Overrides a setting of hocon/, e.g. --set interp.node.drain=10s (repeatable)";
        var command = new Command("node", "Runs one node of a cluster until SIGTERM")
        {
            roles, host, port, http, token, seeds, journal, data, devices, workers, threads, certs, config, set,
        };
        command.SetAction(async parsed =>
        {
            // Settings and certificates first: what is wrong there leaves no folder behind.
            var overrides = new SettingOverrides(HoconFolder.Default);
            var file = parsed.GetValue(config) ?? Environment.GetEnvironmentVariable("INTERP_CONFIG");
            var settings = overrides.FromFile(file) + overrides.FromEnvironment();
            var onTheLine = overrides.FromCommandLine(parsed.GetValue(set)!);
            var certificates = CertificateFiles.Asked(parsed.GetValue(certs));
            using var identity = certificates is null ? null : NodeIdentity.Load(certificates);
            var folder = Data(parsed.GetValue(data), parsed.GetValue(port));
            var artifacts = new NodeArtifacts(Path.Combine(folder, "artifacts"));
            var files = new FilesByContent(artifacts);
            using var engine = new StudyEngine(StudyKinds.All, files: files);
            var error = parsed.InvocationConfiguration.Error;
            var options = new ClusterNodeOptions(Roles(parsed.GetValue(roles)!), folder, engine, engine)
            {
                Artifacts = artifacts,
                Host = parsed.GetValue(host)!,
                Port = parsed.GetValue(port),
                Seeds = parsed.GetValue(seeds)!,
                Workers = parsed.GetValue(workers) ?? Math.Max(1, PhysicalCores.Count / parsed.GetValue(threads)),
                Threads = parsed.GetValue(threads),
                Configuration = settings,
                Identity = identity,
                Say = line => error.WriteLine($"interp: {line}"),
                Overrides = onTheLine,
            };
            if (parsed.GetValue(journal) is { } location) options = options with { Journal = JournalLocation.Parse(location) };
            if (parsed.GetValue(workers) is not null && options.Computes && !Names(parsed.GetValue(devices)).Contains(DeviceNames.Cpu))
                throw new StudyException("there is one worker for each CUDA device", "--workers", "leave it out, or add cpu to --devices");
            if (options.Computes) options = options with { Devices = DeviceSlots.Choose(parsed.GetValue(devices), TorchDevices.Instance) };
            else if (parsed.GetValue(devices) is not null)
                throw new StudyException("only compute nodes have devices", "--devices", "leave it out, or add the role compute");
            var listen = parsed.GetValue(http);
            if (listen is not null && !options.IsCoordinator)
                throw new StudyException("only coordinators have an HTTP API", "--http", "leave it out, or add the role coordinator");
            var (webHost, webPort) = WebAddress.Parse(listen ?? "0");
            var web = new WebOptions(webHost, webPort, Token(parsed.GetValue(token)), options.Data) { Certificate = identity?.Certificate };
            return await RunAsync(options, engine, files, web, parsed.InvocationConfiguration);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        ClusterNodeOptions options, StudyEngine engine, IStudyFiles files, WebOptions webOptions, InvocationConfiguration console)
    {
        // A coordinator that computes nothing itself does not keep the weights that it looked at.
        void VerifyAndForget(Study study)
        {
            using (var own = new StudyEngine(StudyKinds.All, ownSessions: true, files)) own.Verify(study);
            FreedMemory.GiveBack();
        }
        var intake = new StudyIntake(files, options.Artifacts, options.Computes ? study => engine.Verify(study) : VerifyAndForget);
        using var interrupts = new Interrupts();
        interrupts.Arm();
        try
        {
            await using var node = await ClusterNode.StartAsync(options, interrupts.Asked);
            await using var web = node.Desk is { } desk ? await WebHost.StartAsync(desk, engine, engine, engine, webOptions, intake) : null;
            if (options.Identity is null && !AccessGate.IsLoopback(options.Host))
                options.Say("without --certs every machine that reaches this node can join, read and send; see interp certs");
            if (web is not null && webOptions.Token is null)
                await console.Error.WriteLineAsync("interp: without a token the HTTP API answers this machine only; INTERP_TOKEN sets one");
            var http = web is null ? "" : $" http={web.Endpoint.Host}:{web.Endpoint.Port}";
            await console.Output.WriteLineAsync($"ready akka={node.Host}:{node.Port}{http}");
            await console.Output.FlushAsync();
            await Task.Delay(Timeout.Infinite, interrupts.Asked);
        }
        catch (OperationCanceledException) when (interrupts.Asked.IsCancellationRequested)
        {
            // Asked to leave; the node has left.
        }
        return ExitCode.Done;
    }

    private static string[] Names(string? devices) => (devices ?? DeviceNames.Cpu).Split(',', StringSplitOptions.TrimEntries);

    private static string? Token(string? given) =>
        given ?? (Environment.GetEnvironmentVariable("INTERP_TOKEN")?.Trim() is { Length: > 0 } token ? token : null);

    private static IReadOnlyList<string> Roles(string text)
    {
        var roles = text.Split(',', StringSplitOptions.TrimEntries);
        if (roles.FirstOrDefault(r => !ClusterMembers.Roles.Contains(r)) is { } unknown)
            throw new StudyException($"there is no role '{unknown}'", "--roles", $"roles are {string.Join(" and ", ClusterMembers.Roles)}");
        return [.. roles.Distinct()];
    }

    private static string Data(string? data, int port) =>
        Path.GetFullPath(data ?? $"interp-node-{(port == 0 ? $"{Environment.ProcessId}" : port)}");
}
