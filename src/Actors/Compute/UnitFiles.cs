using System.Security.Cryptography;
using InterpActors.Messages.Artifacts;

namespace InterpActors.Actors.Compute;

/// <summary>
/// Files that units of an earlier process left in a node's folder: large results under the names of their contents, and checkpoints. Other
/// nodes can have them again.
/// </summary>
public static class UnitFiles
{
    /// <summary>Offers them all. Reads every file of a checkpoint: not for an actor's thread.</summary>
    public static void Offer(string folder, IArtifacts artifacts)
    {
        if (!Directory.Exists(folder)) return;
        foreach (var path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            try
            {
                var name = Path.GetFileName(path);
                if (Path.GetFileName(Path.GetDirectoryName(path)) == "harvest") continue;
                using var file = File.OpenRead(path);
                artifacts.Offer(ArtifactId.IsValid(name) ? new ArtifactId(name) : ArtifactId.Of(SHA256.HashData(file)),
                    Path.GetFullPath(path));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Removed meanwhile, or not readable: nobody can have it from here.
            }
        }
    }
}
