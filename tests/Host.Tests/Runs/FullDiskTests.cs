using System.Globalization;
using InterpActors.TestSupport;
using Xunit.Abstractions;

namespace InterpActors.Host.Tests.Runs;

/// <summary>
/// A training run whose disk fills up: at each stage it stops with one line, and goes on to the same bytes once there is room. The suite
/// tries a few sizes; <c>INTERP_DISKS=20</c> more.
/// </summary>
public sealed class FullDiskTests(ITestOutputHelper output) : IDisposable
{
    private const long Size = 64 << 20;
    private readonly string _root = Directory.CreateTempSubdirectory("full-disk-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [SmallDiskFact]
    public async Task Training_stops_with_one_line_and_goes_on_to_the_same_bytes()
    {
        var studies = new TrainingStudies(_root, steps: 150, rows: 256);
        string[] command = ["run", studies.Training, "--threads", "1", "--workers", "1", "--quiet", "--out"];
        var whole = Path.Combine(_root, "whole");
        var first = await Interp.Start([.. command, whole]).Finish();
        Assert.True(first.Code == 0, first.Error);
        var expected = TrainingStudies.Compared(whole);

        using var disk = new SmallDisk(Size);
        var used = await UsedAsync(disk, command, expected);
        var sizes = int.TryParse(Environment.GetEnvironmentVariable("INTERP_DISKS"), CultureInfo.InvariantCulture, out var n) ? n : 3;
        var stopped = 0;
        for (var i = 0; i < sizes; i++)
        {
            var run = Path.Combine(disk.Path, $"run-{i}");
            // The last one is nearly enough: it fills up when the dictionary is saved.
            var free = i == sizes - 1 ? used - (160 << 10) : used * (i + 1) / sizes;
            disk.LeaveFree(free);
            var full = await Interp.Start([.. command, run]).Finish();
            if (await IsStoppedAsync($"{free >> 10} KiB of {used >> 10} KiB", [.. command, run])) stopped++;
            await GoesOnAsync(disk, [.. command, run], run, expected);
            if (i == sizes - 1)
            {
                // Nothing is left to compute: now it is the results that find no room.
                foreach (var file in Directory.GetFiles(run))
                    if (TrainingStudies.IsResult(Path.GetFileName(file))) File.Delete(file);
                disk.LeaveFree(72 << 10);
                Assert.True(await IsStoppedAsync("72 KiB for results", [.. command, run]));
                await GoesOnAsync(disk, [.. command, run], run, expected);
            }
            Directory.Delete(run, recursive: true);
        }
        Assert.InRange(stopped, sizes - 1, sizes);
    }

    /// <summary>Runs the study on a disk that may be too small; true where it ended with exit code 1 and one line that says so.</summary>
    private async Task<bool> IsStoppedAsync(string room, string[] command)
    {
        var full = await Interp.Start(command).Finish();
        output.WriteLine($"{room}: exit {full.Code}, {full.Error.Trim()}");
        if (full.Code == 0) return false;
        Assert.Equal(1, full.Code);
        Assert.Matches("(?i)(disk.*full|no space left)", Assert.Single(full.Error.TrimEnd().Split('\n')));
        return true;
    }

    private static async Task GoesOnAsync(SmallDisk disk, string[] command, string run, IReadOnlyList<string> expected)
    {
        disk.MakeRoom();
        var again = await Interp.Start(command).Finish();
        Assert.True(again.Code == 0, again.Error);
        Assert.Equal(expected, TrainingStudies.Compared(run));
    }

    /// <summary>The most that a run ever takes of the disk.</summary>
    private static async Task<long> UsedAsync(SmallDisk disk, string[] command, IReadOnlyList<string> expected)
    {
        var (free, least) = (disk.Free, disk.Free);
        var run = Path.Combine(disk.Path, "measured");
        using var process = Interp.Start([.. command, run]);
        while (!process.HasExited)
        {
            least = Math.Min(least, disk.Free);
            await Task.Delay(5);
        }
        Assert.Equal(expected, TrainingStudies.Compared(run));
        Directory.Delete(run, recursive: true);
        return free - least;
    }
}
