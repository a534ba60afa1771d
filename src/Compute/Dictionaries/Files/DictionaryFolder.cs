using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Files;

/// <summary>A dictionary as it was read from a folder.</summary>
/// <param name="Path">The folder.</param>
/// <param name="Layout">Whose layout the folder has, in words.</param>
/// <param name="StoredType">Type of the weights in the file, e.g. <c>BF16</c>.</param>
/// <param name="Converted">What was changed on reading, a line each.</param>
public sealed record StoredDictionary(string Path, string Layout, string StoredType, SparseDictionary Dictionary,
    IReadOnlyList<string> Converted) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Dictionary.Dispose();
}

/// <summary>Reads a dictionary from a folder of any layout that is known: SAELens, sparsify, dictionary_learning.</summary>
public static class DictionaryFolder
{
    /// <param name="folder">A folder with <c>cfg.json</c> (SAELens, sparsify) or <c>config.json</c> (dictionary_learning) and weights in
    /// safetensors.</param>
    /// <param name="type">Float32 or Float64: weights are converted to it.</param>
    /// <exception cref="StudyException">There is none, it is damaged, or of an architecture that is not known.</exception>
    public static StoredDictionary Read(string folder, ScalarType type)
    {
        var path = System.IO.Path.GetFullPath(folder);
        if (!Directory.Exists(path))
            throw new StudyException(File.Exists(path) ? "a file, not a folder" : "there is no such folder", folder,
                "name the folder that holds cfg.json");
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var configuration = System.IO.Path.Combine(path, "cfg.json");
        if (File.Exists(configuration))
        {
            var keys = ConfigurationKeys.Read(configuration);
            return keys.Has("num_latents") || keys.Has("expansion_factor")
                ? SparsifyFolder.Read(path, keys, type)
                : SaeLensFolder.Read(path, keys, type);
        }
        configuration = System.IO.Path.Combine(path, "config.json");
        if (File.Exists(configuration)) return DictionaryLearningFolder.Read(path, ConfigurationKeys.Read(configuration), type);
        throw new StudyException("it holds neither cfg.json nor config.json", folder, "an SAE's folder is needed");
    }
}
