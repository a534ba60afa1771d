using System.Diagnostics;
using System.Text.RegularExpressions;
using InterpActors.Host.Commands;

namespace InterpActors.Cluster.Tests;

/// <summary>The files of <c>deploy/</c>, as far as they can be tried without the systems that they are for.</summary>
public sealed partial class DeployTests : IDisposable
{
    private static readonly string Folder = Path.Combine(SmallStudy.Root(), "deploy");

    private readonly string _temporary = Directory.CreateTempSubdirectory("deploy-").FullName;

    public void Dispose() => Directory.Delete(_temporary, recursive: true);

    [Fact]
    public async Task The_Slurm_script_runs_a_cluster_inside_a_job()
    {
        // Stands in for Slurm: one node, this machine.
        var srun = Script("srun", "#!/bin/bash\nwhile [[ $1 == --* ]]; do shift; done\nexec \"$@\"\n");
        var interp = Script("interp", $"#!/bin/sh\nexec dotnet '{typeof(CommandLine).Assembly.Location}' \"$@\"\n");
        var study = Path.Combine(SmallStudy.Root(), "studies", "quickstart.conf");
        var (code, output) = await Run("bash", [Path.Combine(Folder, "slurm", "interp.sbatch"), study], new()
        {
            ["PATH"] = $"{Path.GetDirectoryName(srun)}:{Environment.GetEnvironmentVariable("PATH")}",
            ["INTERP"] = interp,
            ["INTERP_PORT"] = $"{ClusterGuideTests.FreePorts().Item1}",
            ["SLURM_SUBMIT_DIR"] = _temporary,
            ["SLURM_CPUS_PER_TASK"] = "1",
            ["INTERP_TOKEN"] = null,
            ["INTERP_CERTS"] = null,
        });
        Assert.True(code == 0, output);
        var run = Assert.Single(Directory.GetDirectories(Path.Combine(_temporary, "runs")));
        Assert.True(File.Exists(Path.Combine(run, "results.csv")), output);
    }

    [Theory]
    [InlineData("coordinator")]
    [InlineData("compute")]
    public async Task A_unit_names_options_and_variables_that_there_are(string role)
    {
        var unit = await File.ReadAllTextAsync(Path.Combine(Folder, "systemd", $"interp-{role}.service"));
        var start = Assert.Single(unit.Split('\n'), l => l.StartsWith("ExecStart=", StringComparison.Ordinal));
        var help = new StringWriter();
        Assert.Equal(0, await CommandLine.RunAsync(["node", "--help"], help, TextWriter.Null));
        Assert.All(Option().Matches(start).Select(m => m.Value), o => Assert.Contains(o + " ", help.ToString(), StringComparison.Ordinal));
        var settings = await File.ReadAllLinesAsync(Path.Combine(Folder, "systemd", $"{role}.env"));
        Assert.All(Variable().Matches(start).Select(m => m.Groups[1].Value),
            v => Assert.Single(settings, s => s.StartsWith(v + "=", StringComparison.Ordinal)));
        Assert.All(settings.Where(s => s.Length > 0 && !s.StartsWith("# ", StringComparison.Ordinal)),
            s => Assert.Matches("^#?[A-Z_]+=[^\"' ]*$", s));
    }

    [SystemdTheory]
    [InlineData("coordinator")]
    [InlineData("compute")]
    public async Task Systemd_finds_nothing_wrong_with_a_unit(string role)
    {
        // Its program and settings have to be where it looks for them.
        var unit = (await File.ReadAllTextAsync(Path.Combine(Folder, "systemd", $"interp-{role}.service")))
            .Replace("/opt/interp/InterpActors.Host", Script("interp", "#!/bin/sh\n"), StringComparison.Ordinal)
            .Replace("/etc/interp/", Path.Combine(Folder, "systemd") + "/", StringComparison.Ordinal);
        var file = Path.Combine(_temporary, $"interp-{role}.service");
        await File.WriteAllTextAsync(file, unit);
        var (code, output) = await Run("systemd-analyze", ["verify", "--man=no", file], []);
        Assert.True(code == 0 && output.Trim().Length == 0, output);
    }

    private string Script(string name, string text)
    {
        var path = Path.Combine(_temporary, name);
        File.WriteAllText(path, text);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }

    private static async Task<(int Code, string Output)> Run(string program, string[] arguments, Dictionary<string, string?> environment)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        try
        {
            var (output, error) = (process.StandardOutput.ReadToEndAsync(limit.Token), process.StandardError.ReadToEndAsync(limit.Token));
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, await output + await error);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    [GeneratedRegex("--[a-z-]+")]
    private static partial Regex Option();

    [GeneratedRegex(@"\$\{?([A-Z_]+)\}?")]
    private static partial Regex Variable();
}

/// <summary>Skipped where there is no systemd.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SystemdTheoryAttribute : TheoryAttribute
{
    public SystemdTheoryAttribute()
    {
        if (!(Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(f => File.Exists(Path.Combine(f, "systemd-analyze"))))
            Skip = "systemd-analyze is not here";
    }
}
