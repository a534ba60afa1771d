using System.Globalization;
using InterpActors.Actors.Journal;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Runs;

/// <summary>
/// Keeps other processes out of a run's or a node's folder. The operating system drops the lock when the process ends, however it ends; the
/// file beside it only names the holder and may be stale.
/// </summary>
public sealed class RunLock : IDisposable
{
    private const string LockName = "run.lock";
    private const string HolderName = "run.pid";
    private readonly FileStream _file;
    private readonly string _holder;

    private RunLock(FileStream file, string holder)
    {
        _file = file;
        _holder = holder;
    }

    /// <param name="option">What names another folder.</param>
    /// <exception cref="StudyException">Another process holds the folder.</exception>
    public static RunLock Take(string folder, string option = "--out")
    {
        // A status command holds the lock for a moment while it looks.
        var file = TryLock(folder);
        for (var tries = 0; file is null && tries < 10; tries++)
        {
            Thread.Sleep(20);
            file = TryLock(folder);
        }
        if (file is null) throw Held(folder, Holder(folder), option);
        var holder = Path.Combine(folder, HolderName);
        File.WriteAllText(holder, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        return new RunLock(file, holder);
    }

    /// <summary>Looks whether somebody holds a folder, without taking it.</summary>
    /// <exception cref="StudyException">Another process holds it.</exception>
    public static void Check(string folder)
    {
        if (HolderOf(folder) is { } holder) throw Held(folder, holder, "--out");
    }

    /// <summary>The process that holds a folder now; null where none does.</summary>
    public static string? HolderOf(string folder)
    {
        if (!File.Exists(Path.Combine(folder, LockName))) return null;
        try
        {
            using var free = TryLock(folder);
            return free is null ? Holder(folder) : null;
        }
        catch (UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Deletes the lock's file from a folder that this process made and is about to remove.</summary>
    public static void Remove(string folder) => File.Delete(Path.Combine(folder, LockName));

    public void Dispose()
    {
        try
        {
            File.Delete(_holder);
        }
        catch (IOException)
        {
            // The name of a holder that is gone does no harm.
        }
        _file.Dispose();
    }

    private static StudyException Held(string folder, string holder, string option) =>
        new($"the folder is held by process {holder}", folder, $"wait for it, or stop it, or use another {option}");

    /// <summary>Null where somebody else has it.</summary>
    private static FileStream? TryLock(string folder)
    {
        var path = Path.Combine(folder, LockName);
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (e is not (DirectoryNotFoundException or PathTooLongException) && !JournalTrouble.IsDiskFull(e)
            && File.Exists(path))
        {
            return null;
        }
    }

    private static string Holder(string folder)
    {
        try
        {
            return File.ReadAllText(Path.Combine(folder, HolderName)).Trim() is { Length: > 0 and < 20 } pid ? pid : "(unknown)";
        }
        catch (IOException)
        {
            return "(unknown)";
        }
    }
}
