using InterpActors.Compute.Reports;
using InterpActors.Host.Web;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Runs;

/// <summary>Copies the results of a run folder in one format.</summary>
internal static class LocalExport
{
    /// <param name="run">A run folder of this machine, or one that was fetched from a cluster.</param>
    /// <returns>The files that were written.</returns>
    /// <exception cref="StudyException">It is no run that is over, has nothing of the format, or the target cannot be used; nothing was
    /// written.</exception>
    public static IReadOnlyList<string> Copy(string run, string format, string target)
    {
        if (!Directory.Exists(run))
            throw new StudyException("there is no such folder", run, "name the folder of a run, or a study's id and --cluster");
        if (File.Exists(target)) throw new StudyException("is a file", target, "name a folder with --out");
        if (Path.GetFullPath(target).TrimEnd('/') == Path.GetFullPath(run).TrimEnd('/'))
            throw new StudyException("is the run folder itself", target, "name another folder with --out");
        if (File.Exists(Path.Combine(run, RunFolder.JournalName)))
        {
            using var local = LocalRun.Open(run);
            if (local.History.State is not (RunState.Completed or RunState.CompletedWithErrors or RunState.Cancelled))
                throw new StudyException("the run is not over", run, "interp run goes on with it");
        }
        if (!File.Exists(Path.Combine(run, "manifest.json")))
            throw new StudyException("it holds no results of a run", run, "interp run writes them");
        var all = Directory.EnumerateFiles(run, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(f => new ResultFile(Path.GetRelativePath(run, f).Replace('\\', '/'), 0, "")).ToArray();
        var files = ExportFormat.FilesOf(format, all, run);
        foreach (var file in files)
            RunFile.Write(Path.Combine(target, file.Name), stream =>
            {
                using var source = File.OpenRead(Path.Combine(run, file.Name));
                source.CopyTo(stream);
            });
        return [.. files.Select(f => Path.Combine(target, f.Name))];
    }
}
