using System.Diagnostics;
using System.Globalization;

namespace InterpActors.TestSupport;

/// <summary>A test that fills a disk of its own; skipped where none can be made.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SmallDiskFactAttribute : FactAttribute
{
    public SmallDiskFactAttribute()
    {
        if (!SmallDisk.Possible) Skip = "needs root on Linux and leave to mount, for a disk that can be filled";
    }
}

/// <summary>A file system in memory of a given size, with a file in it that leaves as much room as a test wants.</summary>
public sealed class SmallDisk : IDisposable
{
    private static readonly Lazy<bool> Probe = new(() =>
    {
        try
        {
            using var disk = new SmallDisk(1 << 20);
            return true;
        }
        catch (Exception e) when (e is IOException or System.ComponentModel.Win32Exception or UnauthorizedAccessException)
        {
            return false;
        }
    });

    public SmallDisk(long bytes)
    {
        Path = Directory.CreateTempSubdirectory("small-disk-").FullName;
        try
        {
            Run("mount", "-t", "tmpfs", "-o", string.Create(CultureInfo.InvariantCulture, $"size={bytes},mode=0700"), "tmpfs", Path);
        }
        catch
        {
            Directory.Delete(Path);
            throw;
        }
    }

    /// <summary>Whether this process may make one.</summary>
    public static bool Possible => OperatingSystem.IsLinux() && Probe.Value;

    /// <summary>Where it is mounted.</summary>
    public string Path { get; }

    public long Free => new DriveInfo(Path).AvailableFreeSpace;

    private string Ballast => System.IO.Path.Combine(Path, "ballast");

    /// <summary>Fills it up to so many bytes.</summary>
    public void LeaveFree(long bytes)
    {
        File.Delete(Ballast);
        var rest = Free - bytes;
        using var file = File.Create(Ballast);
        var block = new byte[1 << 16];
        for (; rest > 0; rest -= block.Length) file.Write(block, 0, (int)Math.Min(rest, block.Length));
    }

    public void MakeRoom() => File.Delete(Ballast);

    public void Dispose()
    {
        Run("umount", "-l", Path);
        Directory.Delete(Path);
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        var problem = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0) throw new IOException($"{program}: {problem.Trim()}");
    }
}
