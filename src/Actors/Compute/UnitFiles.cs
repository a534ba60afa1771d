using System.Security.Cryptography;
using InterpActors.Messages.Artifacts;
using InterpActors.Messages.Studies;

namespace InterpActors.Actors.Compute;

/// <summary>
/// What units keep in a process's folder: <c>training/STUDY/ORDINAL</c>, from which one unit goes on; <c>harvest</c>, activations that
/// units share; <c>artifacts</c>, large results under the names of their contents.
/// </summary>
public static class UnitFiles
{
    private const string Training = "training";
    private const string Harvest = "harvest";

    /// <summary>The folder of one unit.</summary>
    public static string Own(string folder, StudyId study, long ordinal) => Path.Combine(folder, Training, study.Value, $"{ordinal}");

    /// <summary>Studies whose units have left something, and when they last changed it.</summary>
    public static IReadOnlyList<(StudyId Study, DateTime Changed)> Studies(string folder)
    {
        var root = new DirectoryInfo(Path.Combine(folder, Training));
        return !root.Exists ? [] : [.. root.EnumerateDirectories().Where(d => StudyId.IsValid(d.Name))
            .Select(d => (new StudyId(d.Name), d.LastWriteTimeUtc))];
    }

    /// <summary>Removes what one unit kept for going on.</summary>
    public static void Forget(string folder, StudyId study, long ordinal) => Remove(new DirectoryInfo(Own(folder, study, ordinal)));

    /// <summary>Removes what the units of a study kept for going on.</summary>
    public static void Forget(string folder, StudyId study) => Remove(new DirectoryInfo(Path.Combine(folder, Training, study.Value)));

    /// <summary>Removes what units of several studies may share. For nodes of a cluster: elsewhere the results are among it.</summary>
    /// <returns>Bytes.</returns>
    public static long ForgetShared(string folder)
    {
        long bytes = 0;
        foreach (var name in (string[])[Harvest, "artifacts"])
        {
            var shared = new DirectoryInfo(Path.Combine(folder, name));
            if (!shared.Exists) continue;
            foreach (var file in shared.EnumerateFiles())
            {
                try
                {
                    var length = file.Length;
                    file.Delete();
                    bytes += length;
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    // It only takes room.
                }
            }
        }
        return bytes;
    }

    /// <summary>
    /// Offers the files that units of an earlier process left: other nodes can have them again. Reads every file of a checkpoint: not for
    /// an actor's thread.
    /// </summary>
    public static void Offer(string folder, IArtifacts artifacts)
    {
        var harvest = Path.GetFullPath(Path.Combine(folder, Harvest));
        // By what they were made of: what they hold is read when somebody asks.
        if (Directory.Exists(harvest))
            foreach (var path in Directory.EnumerateFiles(harvest, "*.safetensors"))
                artifacts.OfferMade(Path.GetFileNameWithoutExtension(path), path);
        if (!Directory.Exists(folder)) return;
        foreach (var path in Directory.EnumerateFiles(Path.GetFullPath(folder), "*", SearchOption.AllDirectories))
        {
            try
            {
                if (Path.GetDirectoryName(path) == harvest) continue;
                var name = Path.GetFileName(path);
                using var file = File.OpenRead(path);
                artifacts.Offer(ArtifactId.IsValid(name) ? new ArtifactId(name) : ArtifactId.Of(SHA256.HashData(file)), path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Removed meanwhile, or not readable: nobody can have it from here.
            }
        }
    }

    private static void Remove(DirectoryInfo folder)
    {
        try
        {
            if (folder.Exists) folder.Delete(recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It only takes room; the next look at the folder tries again.
        }
    }
}
