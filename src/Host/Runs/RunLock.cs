using System.Globalization;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Runs;

/// <summary>
/// Keeps other processes out of a run folder. The operating system drops the lock when the process ends, however it ends; the file
/// beside it only names the holder and may be stale.
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

    /// <exception cref="StudyException">Another process holds the folder.</exception>
    public static RunLock Take(string folder)
    {
        var path = Path.Combine(folder, LockName);
        var holder = Path.Combine(folder, HolderName);
        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (e is not (DirectoryNotFoundException or PathTooLongException) && (e.HResult & 0xffff) is not (28 or 122) && File.Exists(path))
        {
            throw new StudyException($"the run folder is held by process {Holder(holder)}", folder, "wait for it, or stop it, or use another --out", e);
        }
        File.WriteAllText(holder, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        return new RunLock(file, holder);
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

    private static string Holder(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim() is { Length: > 0 and < 20 } pid ? pid : "(unknown)";
        }
        catch (IOException)
        {
            return "(unknown)";
        }
    }
}
