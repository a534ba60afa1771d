using InterpActors.Actors.Journal;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Runs;

/// <summary>
/// The folder of one run, held by this process until disposed. Everything is checked before anything is written, and
/// <see cref="Abandon"/> takes back what opening made.
/// </summary>
public sealed class RunFolder : IDisposable
{
    public const string JournalName = "journal.db";
    private static readonly string[] Results = ["results.csv", "summary.json", "manifest.json", "report.html"];
    private readonly List<string> _made;
    private readonly RunLock _lock;

    private RunFolder(string path, List<string> made, RunLock held)
    {
        Path = path;
        _made = made;
        _lock = held;
    }

    /// <summary>As the user would type it: relative where it is below the current folder.</summary>
    public string Path { get; }

    public string Journal => System.IO.Path.Combine(Path, JournalName);

    /// <summary>The folder a run goes to: <paramref name="chosen"/>, or <c>runs/ID</c> under the current folder.</summary>
    /// <param name="fresh">Takes the first of <c>folder</c>, <c>folder-2</c>, <c>folder-3</c> … that does not exist.</param>
    public static string Choose(StudyId study, string? chosen, bool fresh)
    {
        var path = chosen ?? System.IO.Path.Combine("runs", study.Value);
        path = System.IO.Path.TrimEndingDirectorySeparator(path);
        if (!fresh) return path;
        var free = path;
        for (var i = 2; Exists(free); i++) free = $"{path}-{i}";
        return free;
    }

    /// <summary>Refuses a folder that is no folder, cannot be written to, or holds results that no journal explains.</summary>
    /// <exception cref="StudyException">The folder cannot be used.</exception>
    public static void Check(string path)
    {
        if (path.Trim().Length == 0) throw new StudyException("the output folder has no name", "--out");
        if (File.Exists(path)) throw new StudyException("is a file, not a folder", path, "choose another --out");
        var existing = Directory.Exists(path) ? path : Nearest(path);
        try
        {
            var probe = System.IO.Path.Combine(existing, $".interp-{Environment.ProcessId}-{Guid.NewGuid():N}");
            using (new FileStream(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose))
            {
            }
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new StudyException("the output folder is not writable", path, "choose another with --out", e);
        }
        if (existing != path || File.Exists(System.IO.Path.Combine(path, JournalName))) return;
        if (Results.FirstOrDefault(f => File.Exists(System.IO.Path.Combine(path, f))) is { } found)
            throw new StudyException($"the folder holds a {found} but no {JournalName}", path, "choose another --out, or move it away");
    }

    /// <summary>Makes the folder where needed and takes its lock.</summary>
    /// <exception cref="StudyException">Another process holds it, or it cannot be made.</exception>
    public static RunFolder Open(string path)
    {
        var made = new List<string>();
        try
        {
            for (var at = System.IO.Path.GetFullPath(path); !Directory.Exists(at); at = System.IO.Path.GetDirectoryName(at)!) made.Add(at);
            Directory.CreateDirectory(path);
            return new RunFolder(path, made, RunLock.Take(path));
        }
        catch (Exception e) when (e is UnauthorizedAccessException || (e is IOException io && !JournalTrouble.IsDiskFull(io)))
        {
            RemoveEmpty(made);
            throw new StudyException($"the output folder cannot be made ({e.Message})", path, "choose another with --out", e);
        }
    }

    /// <summary>Takes back what <see cref="Open"/> made, if nothing else has come into it.</summary>
    public void Abandon()
    {
        Dispose();
        if (_made.Count == 0) return;
        RunLock.Remove(Path);
        RemoveEmpty(_made);
    }

    public void Dispose() => _lock.Dispose();

    private static void RemoveEmpty(List<string> made)
    {
        try
        {
            foreach (var folder in made)
                if (Directory.Exists(folder) && !Directory.EnumerateFileSystemEntries(folder).Any()) Directory.Delete(folder);
        }
        catch (IOException)
        {
            // Somebody else put something there: it stays.
        }
    }

    private static bool Exists(string path) => Directory.Exists(path) || File.Exists(path);

    private static string Nearest(string path)
    {
        var at = System.IO.Path.GetFullPath(path);
        while (!Directory.Exists(at))
        {
            if (File.Exists(at)) throw new StudyException($"'{at}' is a file, so no folder can be made below it", path,
                "choose another with --out");
            at = System.IO.Path.GetDirectoryName(at) ?? throw new StudyException("the output folder cannot be made", path,
                "choose another with --out");
        }
        return at;
    }
}
