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
        if (location.Format == ModelFormat.Gguf) return OfFile(location.Path);
        var files = Beside.Select(name => Path.Combine(location.Path, name)).Where(File.Exists)
            .Concat(ShardedSafetensors.FilesOf(location.Path));
        var lines = files.Select(f => $"{Path.GetFileName(f)} {OfFile(f)}\n").Order(StringComparer.Ordinal);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(lines))));
    }

    private static string OfFile(string path)
    {
        try
        {
            // A link's own length and time do not change with what it points to.
            var info = new FileInfo(File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path);
            return Known.GetOrAdd((info.FullName, info.Length, info.LastWriteTimeUtc), _ =>
            {
                using var stream = new FileStream(
                    path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1 << 20, FileOptions.SequentialScan);
                return Convert.ToHexStringLower(SHA256.HashData(stream));
            });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StudyException($"the file cannot be read ({e.Message.TrimEnd('.')})", path, inner: e);
        }
    }
}
