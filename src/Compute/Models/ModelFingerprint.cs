using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Models;

/// <summary>Hashes of a model's files, computed once a process for a file of the same length and time of change.</summary>
internal static class ModelFingerprint
{
    private static readonly string[] Beside =
    [
        "config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja",
        "generation_config.json",
    ];

    private static readonly ConcurrentDictionary<(string Path, long Length, DateTime Changed), string> Known = new();

    /// <summary>
    /// For a GGUF file its SHA-256. For a folder the SHA-256 over the sorted lines <c>name sha256</c> of the weights, their index, the
    /// configuration and the tokenizer, so that neither the folder's name nor other files in it count.
    /// </summary>
    public static string Of(ModelLocation location)
    {
        var files = Files(location);
        if (location.Format == ModelFormat.Gguf) return files[0].Sha256;
        var lines = files.Select(f => $"{f.Name} {f.Sha256}\n").Order(StringComparer.Ordinal);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(lines))));
    }

    /// <summary>The files that count.</summary>
    /// <exception cref="StudyException">One cannot be read.</exception>
    public static IReadOnlyList<ModelFile> Files(ModelLocation location)
    {
        if (location.Format == ModelFormat.Gguf) return [OfFile(null, location.Path)];
        return [.. NamesIn(location.Path).Select(name => OfFile(name, Path.Combine(location.Path, name)))];
    }

    /// <summary>The names of the files of a model's folder that count.</summary>
    public static IEnumerable<string> NamesIn(string folder) =>
        Beside.Where(name => File.Exists(Path.Combine(folder, name)))
            .Concat(ShardedSafetensors.FilesOf(folder).Select(f => Path.GetFileName(f)!));

    /// <summary>One file with its hash.</summary>
    /// <exception cref="StudyException">It cannot be read.</exception>
    public static ModelFile OfFile(string? name, string path)
    {
        try
        {
            // A link's own length and time do not change with what it points to.
            var info = new FileInfo(File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path);
            var sha256 = Known.GetOrAdd((info.FullName, info.Length, info.LastWriteTimeUtc), _ =>
            {
                using var stream = new FileStream(
                    path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1 << 20, FileOptions.SequentialScan);
                return Convert.ToHexStringLower(SHA256.HashData(stream));
            });
            return new ModelFile(name, path, sha256, info.Length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StudyException($"the file cannot be read ({e.Message.TrimEnd('.')})", path, inner: e);
        }
    }
}
