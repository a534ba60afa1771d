using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Models;

/// <summary>
/// Finds models and reads them: Hugging Face folders (safetensors, single or sharded) and GGUF files of the gpt2, llama, mistral and
/// qwen2 families, and the project's own attention-only models.
/// </summary>
public static class ModelLoader
{
    /// <summary>Resolves what the user named.</summary>
    /// <param name="nameOrPath">A folder, a <c>.gguf</c> file, or the name of a model that ships in <c>models/</c>.</param>
    /// <param name="baseFolder">What relative paths are relative to.</param>
    /// <exception cref="StudyException">There is no such model.</exception>
    public static ModelLocation Locate(string nameOrPath, string baseFolder) => ModelLocator.Locate(nameOrPath, baseFolder);

    /// <summary>Reads the model's shape without its weights.</summary>
    /// <exception cref="StudyException">The configuration is missing, damaged, or of an architecture that is not supported.</exception>
    public static ModelConfig ReadConfig(ModelLocation location)
    {
        if (location.Format == ModelFormat.HuggingFaceFolder) return DescribeFolder(location).Config;
        using var file = GgufFile.Open(location.Path);
        return GgufConfig.Read(file).Config;
    }

    /// <summary>Reads the weights into memory. Besides them it needs a few MiB.</summary>
    /// <param name="type">The run's type, fp32 or fp64. Stored values are widened exactly; quantised ones are dequantised in fp32
    /// first.</param>
    /// <exception cref="StudyException">A file is damaged, a tensor is missing, misshapen, or holds a value that is not finite.</exception>
    public static ModelWeights LoadWeights(ModelLocation location, ScalarType type, WeightProcessing processing)
    {
        if (type is not (ScalarType.Float32 or ScalarType.Float64))
            throw new ArgumentException($"weights run in fp32 or fp64, not {type}", nameof(type));
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        using var source = OpenWeights(location, out var description);
        var layout = WeightLayouts.Create(description, source);
        var filler = new WeightFiller();

        Tensor Load(WeightSlot slot)
        {
            var tensor = empty([.. slot.Shape], dtype: type);
            filler.Add(source, slot, tensor);
            return tensor;
        }
        Tensor? LoadIfAny(WeightSlot? slot) => slot is null ? null : Load(slot);

        var embedding = Load(layout.Embedding);
        var weights = new ModelWeights(
            layout.Config, type, WeightProcessing.None, embedding, LoadIfAny(layout.PositionEmbedding),
            [.. layout.Blocks.Select(b => new BlockWeights(
                LoadIfAny(b.NormAttention), LoadIfAny(b.NormAttentionBias), Load(b.QueryKeyValue), LoadIfAny(b.QueryKeyValueBias),
                Load(b.Output), LoadIfAny(b.OutputBias), LoadIfAny(b.NormMlp), LoadIfAny(b.NormMlpBias),
                LoadIfAny(b.MlpIn), LoadIfAny(b.MlpInBias), LoadIfAny(b.MlpOut), LoadIfAny(b.MlpOutBias)))],
            LoadIfAny(layout.NormFinal), LoadIfAny(layout.NormFinalBias), LoadIfAny(layout.Unembedding) ?? embedding, null);
        filler.Run();
        if (processing == WeightProcessing.Folded) weights = WeightFolding.Fold(weights);
        foreach (var tensor in weights.Tensors()) tensor.DetachFromDisposeScope();
        return weights;
    }

    /// <summary>A hash of everything that determines the model's results, independent of where it lies; lower-case hex.</summary>
    public static string Sha256(ModelLocation location) => ModelFingerprint.Of(location);

    /// <summary>The files that determine the model's results; hashed once a process.</summary>
    /// <exception cref="StudyException">One cannot be read.</exception>
    public static IReadOnlyList<ModelFile> Files(ModelLocation location) => ModelFingerprint.Files(location);

    /// <summary>Sizes and memory of a model, from its configuration and the heads of its files.</summary>
    /// <exception cref="StudyException">As <see cref="LoadWeights"/>, except that values are not looked at.</exception>
    public static ModelInspection Inspect(ModelLocation location)
    {
        using var source = OpenWeights(location, out var description);
        var layout = WeightLayouts.Create(description, source);
        var stored = layout.Slots().SelectMany(s => s.Parts).Select(p => source.Tensors[p.Name]).ToList();
        var tokenizer = source is GgufFile gguf
            ? gguf.Metadata.ContainsKey("tokenizer.ggml.tokens")
            : File.Exists(Path.Combine(location.Path, "tokenizer.json"));
        return new ModelInspection(location, layout.Config, layout.Parameters, layout.Unembedding is null, tokenizer, source.FileBytes,
            stored.GroupBy(t => t.TypeName).OrderByDescending(g => g.Sum(t => t.Count)).ToDictionary(g => g.Key, g => g.Sum(t => t.Count)));
    }

    private static IWeightSource OpenWeights(ModelLocation location, out ModelDescription description)
    {
        if (location.Format == ModelFormat.HuggingFaceFolder)
        {
            description = DescribeFolder(location);
            return ShardedSafetensors.Open(location.Path);
        }
        var file = GgufFile.Open(location.Path);
        try
        {
            description = GgufConfig.Read(file);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static ModelDescription DescribeFolder(ModelLocation location) =>
        HuggingFaceConfig.Read(Path.Combine(location.Path, "config.json"),
            Path.GetFileName(Path.TrimEndingDirectorySeparator(location.Path)));
}
