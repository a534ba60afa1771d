using System.Security.Cryptography;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Studies;

/// <summary>Pins a file that a study names to its content.</summary>
public static class FileHash
{
    /// <summary>Records the file's SHA-256 under a key beside it; where the study already states one, the file must still match.</summary>
    /// <param name="path">As the study writes it.</param>
    /// <exception cref="StudyException">The file cannot be read, or is not the one the study was planned with.</exception>
    public static void Pin(StudySection section, string hashKey, string path, StudyFolder folder, string pathKey)
    {
        string actual;
        long bytes;
        try
        {
            using var stream = File.OpenRead(folder.PathOf(path));
            actual = Convert.ToHexStringLower(SHA256.HashData(stream));
            bytes = stream.Length;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StudyException($"'{path}' cannot be read: {e.Message}", section.Where(pathKey), inner: e);
        }
        Pin(section, hashKey, actual, path);
        folder.Note(path, null, actual, bytes);
    }

    /// <summary>
    /// The same for a folder: its files of some kinds, by name and content. Neither the folder's name nor other files in it count.
    /// </summary>
    /// <param name="patterns">Which files count, e.g. <c>cfg.json</c>, <c>*.safetensors</c>.</param>
    /// <exception cref="StudyException">A file cannot be read, or is not the one the study was planned with.</exception>
    public static void PinFolder(
        StudySection section, string hashKey, string path, StudyFolder folder, string pathKey, params IReadOnlyList<string> patterns)
    {
        var lines = new List<string>();
        try
        {
            var root = folder.PathOf(path);
            foreach (var file in patterns.SelectMany(p => Directory.EnumerateFiles(root, p)).Distinct().Order(StringComparer.Ordinal))
            {
                var name = Path.GetFileName(file);
                using var stream = File.OpenRead(file);
                var sha256 = Convert.ToHexStringLower(SHA256.HashData(stream));
                lines.Add($"{name} {sha256}\n");
                folder.Note(path, name, sha256, stream.Length);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StudyException($"'{path}' cannot be read: {e.Message}", section.Where(pathKey), inner: e);
        }
        Pin(section, hashKey, Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(string.Concat(lines)))), path);
    }

    /// <summary>The same for a hash that is known.</summary>
    public static void Pin(StudySection section, string hashKey, string actual, string what)
    {
        var stated = section.OptionalText(hashKey);
        if (stated is not null && !stated.Equals(actual, StringComparison.OrdinalIgnoreCase))
            throw section.Wrong(hashKey,
                $"'{what}' has changed: it is {actual[..12]}…, the study says {stated[..Math.Min(12, stated.Length)]}…",
                "restore the file, or start a new run");
        section.Record(hashKey, actual);
    }
}
