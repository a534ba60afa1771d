using System.Text.Json;
using System.Text.Json.Nodes;
using InterpActors.Compute.Dictionaries.Architectures;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Files;

/// <summary>Writes folders in the layout of SAELens 6, with every key that its reader needs.</summary>
public static class SaeLensWriter
{
    /// <summary>The SAELens whose layout is written.</summary>
    public const string LayoutVersion = "6.54.12";

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Writes the inference layout.</summary>
    /// <param name="folder">New or empty. It appears whole or not at all.</param>
    /// <exception cref="StudyException">SAELens has no such architecture, or the folder is not empty.</exception>
    public static void Write(SparseDictionary dictionary, string folder)
    {
        if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
            throw new StudyException("the folder is not empty", folder, "name a new one");
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        using var inference = InferenceForm.Of(dictionary);
        var configuration = Configuration(inference);
        var target = Path.GetFullPath(Path.TrimEndingDirectorySeparator(folder));
        var temporary = target + ".writing";
        if (Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true);
        Directory.CreateDirectory(temporary);
        try
        {
            WriteFiles(temporary, configuration, inference.Weights.All);
            if (Directory.Exists(target)) Directory.Delete(target);
            Directory.Move(temporary, target);
        }
        catch
        {
            Directory.Delete(temporary, recursive: true);
            throw;
        }
    }

    /// <summary><c>cfg.json</c> of a dictionary in inference form.</summary>
    internal static JsonObject Configuration(SparseDictionary dictionary)
    {
        var (architecture, name) = (dictionary.Architecture, dictionary.Architecture.Name);
        if (architecture is TranscoderArchitecture { Encoder: TopKArchitecture topk } transcoder)
        {
            if (transcoder.HasSkip || dictionary.Sizes.Output != dictionary.Sizes.Input)
                throw new StudyException($"SAELens has no architecture for a {name}", null,
                    "it can be read and encoded, but not converted");
            (architecture, name) = (topk, topk.Name);
        }
        var metadata = (JsonObject)dictionary.Metadata.DeepClone();
        metadata.TryAdd("sae_lens_version", LayoutVersion);
        metadata.TryAdd("sae_lens_training_version", null);
        foreach (var key in new[] { "model_name", "hook_name", "context_size", "prepend_bos" }) metadata.TryAdd(key, null);
        var configuration = new JsonObject
        {
            ["d_in"] = dictionary.Sizes.Input,
            ["d_sae"] = dictionary.Sizes.Latents,
            ["dtype"] = dictionary.Type == ScalarType.Float64 ? "float64" : "float32",
            ["device"] = "cpu",
            ["apply_b_dec_to_input"] = architecture.SubtractsDecoderBias,
            ["normalize_activations"] = SaeLensKeys.Name(dictionary.Normalisation),
            ["reshape_activations"] = dictionary.FlattensHeads ? "hook_z" : "none",
            ["metadata"] = metadata,
        };
        if (architecture is TranscoderArchitecture) configuration["d_out"] = dictionary.Sizes.Output;
        architecture.AddKeys(configuration);
        configuration["architecture"] = name;
        return configuration;
    }

    /// <summary>Writes both files into a folder that exists.</summary>
    internal static void WriteFiles(string folder, JsonObject configuration, IEnumerable<(string Name, Tensor Tensor)> tensors)
    {
        SafetensorsWriter.Write(Path.Combine(folder, SaeLensFolder.WeightsFile), tensors);
        using var file = new FileStream(Path.Combine(folder, SaeLensFolder.ConfigurationFile), FileMode.Create, FileAccess.Write);
        file.Write(System.Text.Encoding.UTF8.GetBytes(configuration.ToJsonString(Indented) + "\n"));
        file.Flush(flushToDisk: true);
    }
}
