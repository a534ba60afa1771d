using System.Reflection;
using System.Text;
using System.Text.Json.Nodes;
using InterpActors.Host.Commands;
using InterpActors.Host.Hosting;
using InterpActors.Messages.Studies;

namespace InterpActors.Cluster.Tests;

/// <summary>Nodes of different versions: the next patch works beside the old one, another protocol does not get in.</summary>
public sealed class RollingUpgradeTests(SmallStudy small) : ClusterTest(small), IClassFixture<SmallStudy>
{
    [Fact]
    public async Task A_node_of_the_next_patch_version_works_beside_the_old_one()
    {
        var next = NextPatch(At("next"));
        await using var coordinator = await ClusterNode.StartAsync(
            new ClusterNodeOptions(["coordinator"], At("coordinator"), Engine, Engine));
        var seed = $"{coordinator.Host}:{coordinator.Port}";
        using var old = await Compute("old", seed);
        using var patched = await NodeProcess.StartInAsync(
            "", ["--roles", "compute", "--data", At("patched"), "--workers", "1", "--seed-node", seed],
            At("next/program/InterpActors.Host.dll"));
        var (code, errors) = await NodeProcess.FinishAsync(
            "node", "--roles", "compute", "--data", At("other"), "--seed-node", seed, "--set", "akka.cluster.app-version=9.0.0-wire9");
        Assert.Equal(2, code);
        Assert.Contains("9.0.0", Assert.Single(errors.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);

        var desk = coordinator.Desk!;
        await desk.SubmitAsync(Small.Study);
        await Until(desk, p => p.State == RunState.Completed);

        await CheckResults(desk, At("coordinator/journal.db"));
        var manifest = JsonNode.Parse(await File.ReadAllTextAsync(At("results/manifest.json")))!;
        Assert.Equal([ProcessName.Version, next], manifest["code"]!["computed_by"]!.AsArray().Select(v => (string)v!));
        Assert.Equal(0, await patched.LeaveAsync());
    }

    /// <summary>A copy of the program that differs in its version only; big files are links.</summary>
    /// <returns>The copy's version.</returns>
    private static string NextPatch(string folder)
    {
        var source = Path.GetDirectoryName(typeof(CommandLine).Assembly.Location)!;
        foreach (var file in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(folder, "program", Path.GetRelativePath(source, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            if (Path.GetFileName(file).StartsWith("InterpActors.", StringComparison.Ordinal)) File.Copy(file, target);
            else File.CreateSymbolicLink(target, file);
        }
        var assembly = typeof(ProcessName).Assembly;
        var full = assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
        var (version, rest) = (full.Split('+')[0], full[full.Split('+')[0].Length..]);
        var next = version[..^1] + (char)(version[^1] == '9' ? '8' : version[^1] + 1);
        var path = Path.Combine(folder, "program", Path.GetFileName(assembly.Location));
        var bytes = File.ReadAllBytes(path);
        // In an attribute's value, text stands behind its length.
        byte[] before = [(byte)full.Length, .. Encoding.UTF8.GetBytes(full)];
        var at = bytes.AsSpan().IndexOf(before);
        Assert.True(at > 0);
        Encoding.UTF8.GetBytes(next + rest).CopyTo(bytes, at + 1);
        File.WriteAllBytes(path, bytes);
        return next;
    }
}
