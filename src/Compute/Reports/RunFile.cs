namespace InterpActors.Compute.Reports;

/// <summary>
/// Writes the files of a run folder so that a kill at any moment, a full disk or an error leaves either the old file or the whole new
/// one: the content goes to a temporary name in the same folder, is flushed to the disk and then renamed.
/// </summary>
public static class RunFile
{
    private const string Ending = ".partial";

    /// <summary>Writes one file. The folder is made where it does not exist.</summary>
    /// <param name="path">The file to write or replace.</param>
    /// <param name="write">Writes the content; an exception from it leaves the old file in place.</param>
    /// <exception cref="IOException">The file cannot be written; one line says which and what to do.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        // A name of its own: several units may leave the same file, by its content, at the same time.
        var partial = Path.Combine(folder, $".{Path.GetFileName(path)}.{Guid.NewGuid().ToString("N")[..8]}{Ending}");
        try
        {
            Directory.CreateDirectory(folder);
            using (var stream = new FileStream(partial, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(partial, path, overwrite: true);
        }
        catch (Exception error)
        {
            Remove(partial);
            if (error is IOException or UnauthorizedAccessException)
            {
                var why = error.Message.ReplaceLineEndings(" ");
                throw new IOException($"{path}: cannot be written ({why}); make room or allow writing there, then run it again", error);
            }
            throw;
        }
    }

    /// <summary>Removes what a killed process left half written in a folder. Absent folders are fine.</summary>
    public static void RemoveLeftovers(string folder)
    {
        if (!Directory.Exists(folder)) return;
        foreach (var file in Directory.EnumerateFiles(folder, $".*{Ending}")) Remove(file);
    }

    private static void Remove(string file)
    {
        try
        {
            File.Delete(file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The error that brought us here says more; the next run tries again.
        }
    }
}
