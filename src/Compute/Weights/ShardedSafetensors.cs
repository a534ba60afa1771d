using System.Text.Json;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Weights;

/// <summary>The weights of a Hugging Face folder: <c>model.safetensors</c>, or shards named by
/// <c>model.safetensors.index.json</c>.</summary>
public sealed class ShardedSafetensors : IWeightSource
{
    private const string Single = "model.safetensors";
    private const string Index = "model.safetensors.index.json";
    private const long LargestIndex = 32L << 20;

    private readonly IReadOnlyList<SafetensorsFile> _shards;

    private ShardedSafetensors(string folder, IReadOnlyList<SafetensorsFile> shards, IReadOnlyDictionary<string, StoredTensor> tensors)
    {
        Where = folder;
        _shards = shards;
        Tensors = tensors;
    }

    /// <inheritdoc/>
    public string Where { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, StoredTensor> Tensors { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Files => [.. _shards.SelectMany(s => s.Files)];

    /// <inheritdoc/>
    public long FileBytes => _shards.Sum(s => s.FileBytes);

    /// <exception cref="StudyException">There is neither file, a shard is missing or damaged, or the index and the shards
    /// disagree.</exception>
    public static ShardedSafetensors Open(string folder)
    {
        folder = Path.GetFullPath(folder);
        var shards = new List<SafetensorsFile>();
        try
        {
            if (File.Exists(Path.Combine(folder, Single)))
            {
                shards.Add(SafetensorsFile.Open(Path.Combine(folder, Single)));
                return new ShardedSafetensors(folder, shards, shards[0].Tensors);
            }
            var index = Path.Combine(folder, Index);
            if (!File.Exists(index))
                throw new StudyException($"there is neither {Single} nor {Index}", folder,
                    "convert other weight files with save_pretrained(…, safe_serialization=True)");
            var tensors = new Dictionary<string, StoredTensor>(StringComparer.Ordinal);
            foreach (var shard in ReadIndex(index).GroupBy(e => e.Value).OrderBy(g => g.Key, StringComparer.Ordinal))
            {
                var file = SafetensorsFile.Open(Path.Combine(folder, shard.Key));
                shards.Add(file);
                foreach (var (name, _) in shard)
                    tensors[name] = file.Tensors.GetValueOrDefault(name)
                        ?? throw new StudyException($"the tensor '{name}' is not in {shard.Key}, as it says", index);
            }
            return new ShardedSafetensors(folder, shards, tensors);
        }
        catch
        {
            foreach (var shard in shards) shard.Dispose();
            throw;
        }
    }

    /// <summary>Whether a file of this name makes a folder one that <see cref="Open"/> reads.</summary>
    public static bool IsEntry(string name) => name is Single or Index;

    /// <summary>The files <see cref="Open"/> reads, without checking them.</summary>
    public static IReadOnlyList<string> FilesOf(string folder)
    {
        if (File.Exists(Path.Combine(folder, Single))) return [Path.Combine(folder, Single)];
        var index = Path.Combine(folder, Index);
        return File.Exists(index)
            ? [index, .. ReadIndex(index).Values.Distinct().Order(StringComparer.Ordinal).Select(s => Path.Combine(folder, s))]
            : [];
    }

    public void Dispose()
    {
        foreach (var shard in _shards) shard.Dispose();
    }

    /// <summary>Tensor name to shard file name.</summary>
    private static Dictionary<string, string> ReadIndex(string path)
    {
        try
        {
            using var stream = File.OpenRead(path);
            if (stream.Length > LargestIndex) throw new StudyException("the file is too large for an index", path);
            using var document = JsonDocument.Parse(stream);
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("weight_map", out var map)
                || map.ValueKind != JsonValueKind.Object)
                throw new StudyException("there is no object 'weight_map'", path);
            var shards = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var entry in map.EnumerateObject())
            {
                // A shard is a file beside the index; anything else could name any file of the machine.
                if (entry.Value.ValueKind != JsonValueKind.String || entry.Value.GetString() is not { } shard || shard.Length == 0
                    || Path.GetFileName(shard) != shard || shard is "." or "..")
                    throw new StudyException($"the entry of '{entry.Name}' is not the name of a file in this folder", path);
                shards[entry.Name] = shard;
            }
            return shards;
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            throw new StudyException($"the file cannot be read ({e.Message.TrimEnd('.')})", path, inner: e);
        }
    }
}
