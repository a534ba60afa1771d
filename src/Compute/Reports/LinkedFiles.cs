using InterpActors.Messages.Artifacts;

namespace InterpActors.Compute.Reports;

/// <summary>Large results in a run folder: each once under <c>artifacts/</c> by its SHA-256, and under its name as a link to
/// that.</summary>
internal static class LinkedFiles
{
    private const string Folder = "artifacts";

    /// <summary>Copies what is not in the folder yet from another run folder.</summary>
    public static void Copy(IReadOnlyList<NamedArtifact> files, string folder, string source)
    {
        foreach (var file in files.Where(f => !IsThere(folder, f) && IsThere(source, f)).DistinctBy(f => f.Artifact))
            RunFile.Write(PathOf(folder, file), target =>
            {
                using var from = File.OpenRead(PathOf(source, file));
                from.CopyTo(target);
            });
    }

    /// <summary>Brings what is not in the folder yet from elsewhere in the cluster.</summary>
    /// <exception cref="IOException">A file cannot be had.</exception>
    public static void Fetch(IReadOnlyList<NamedArtifact> files, string folder, IArtifacts artifacts)
    {
        var missing = files.Where(f => !IsThere(folder, f)).DistinctBy(f => f.Artifact).ToList();
        if (missing.Count == 0) return;
        try
        {
            using var found = artifacts.Open($"results-{missing[0].Artifact.Value[..16]}", missing, CancellationToken.None);
            foreach (var file in missing)
                RunFile.Write(PathOf(folder, file), target =>
                {
                    using var source = File.OpenRead(Path.Combine(found.Path, file.Name));
                    source.CopyTo(target);
                });
        }
        catch (ArtifactException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    /// <summary>Links every file under its name; where links cannot be made, it is copied.</summary>
    /// <exception cref="IOException">A file is not there.</exception>
    public static void Link(IReadOnlyList<NamedArtifact> files, string folder)
    {
        foreach (var file in files)
        {
            if (!NamedArtifact.IsName(file.Name)) throw new IOException($"'{file.Name}' leads out of the run folder");
            if (!IsThere(folder, file)) throw new IOException($"{PathOf(folder, file)}: the file of {file.Name} is gone; run the "
                + $"study anew with --fresh");
            var link = Path.Combine(folder, file.Name);
            Directory.CreateDirectory(Path.GetDirectoryName(link)!);
            var target = Path.GetRelativePath(Path.GetDirectoryName(link)!, PathOf(folder, file));
            if (new FileInfo(link).LinkTarget == target) continue;
            File.Delete(link);
            try
            {
                File.CreateSymbolicLink(link, target);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or PlatformNotSupportedException)
            {
                File.Copy(PathOf(folder, file), link);
            }
        }
    }

    private static bool IsThere(string folder, NamedArtifact file) => new FileInfo(PathOf(folder, file)) is { Exists: true } info
        && info.Length == file.Bytes;

    private static string PathOf(string folder, NamedArtifact file) => Path.Combine(folder, Folder, file.Artifact.Value);
}
