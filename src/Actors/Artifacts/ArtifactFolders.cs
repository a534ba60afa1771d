using System.Security.Cryptography;
using System.Text;
using InterpActors.Messages.Artifacts;

namespace InterpActors.Actors.Artifacts;

/// <summary>Folders of links into a store: artifacts under the names that a loader knows them by.</summary>
internal static class ArtifactFolders
{
    /// <summary>Makes a folder, or finds the one that was made before.</summary>
    /// <param name="name">What it is called, below a folder of its own.</param>
    /// <returns>Its absolute path.</returns>
    /// <exception cref="ArtifactException">A file is not here.</exception>
    public static string Make(ArtifactStore store, string name, IReadOnlyList<NamedArtifact> files)
    {
        var key = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
            string.Concat(files.Select(f => $"{f.Name} {f.Artifact}\n").Order(StringComparer.Ordinal)))));
        var folder = Path.Combine(store.Folders, key, name);
        foreach (var file in files)
        {
            var target = store.Find(file.Artifact) ?? throw new ArtifactException($"{file.Name} is not here any more");
            var link = Path.Combine(folder, file.Name);
            if (new FileInfo(link).LinkTarget == target) continue;
            Directory.CreateDirectory(Path.GetDirectoryName(link)!);
            // Made beside and moved, so that a reader finds the old one or the new one.
            var made = $"{link}.{Guid.NewGuid():N}";
            File.CreateSymbolicLink(made, target);
            File.Move(made, link, overwrite: true);
        }
        return folder;
    }

    /// <summary>Refuses names that lead out of the folder or into each other.</summary>
    /// <exception cref="ArtifactException">A name is not one.</exception>
    public static void Check(string name, IReadOnlyList<NamedArtifact> files)
    {
        if (!NamedArtifact.IsName(name) || name.Contains('/')) throw new ArtifactException($"'{Shown(name)}' is not the name of a folder");
        if (files.FirstOrDefault(f => !NamedArtifact.IsName(f.Name)) is { } wrong)
            throw new ArtifactException($"'{Shown(wrong.Name)}' is not the name of a file in a folder");
        var names = files.Select(f => f.Name).ToHashSet(StringComparer.Ordinal);
        if (names.Count < files.Count || names.Any(n => names.Any(m => m.StartsWith(n + "/", StringComparison.Ordinal))))
            throw new ArtifactException($"two files of '{name}' have one name");
    }

    private static string Shown(string name) => new([.. name.Take(80).Select(c => char.IsControl(c) ? '?' : c)]);
}
