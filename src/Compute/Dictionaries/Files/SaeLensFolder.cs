using System.Text.Json.Nodes;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Files;

/// <summary>
/// SAELens' folders: <c>cfg.json</c> and <c>sae_weights.safetensors</c>. Since version 6 what is not needed for computing is under
/// <c>metadata</c>; before, everything was at the top level under names that changed over time.
/// </summary>
internal static class SaeLensFolder
{
    public const string ConfigurationFile = "cfg.json", WeightsFile = "sae_weights.safetensors", SparsityFile = "sparsity.safetensors";

    private static readonly string[] OldMetadata = ["model_name", "hook_name", "hook_head_index", "model_class_name", "context_size",
        "prepend_bos", "seqpos_slice", "model_from_pretrained_kwargs", "dataset_path", "neuronpedia_id", "sae_lens_training_version",
        "exclude_special_tokens", "sequence_separator_token", "disable_concat_sequences"];

    public static StoredDictionary Read(string folder, ConfigurationKeys keys, ScalarType type)
    {
        var converted = new List<string>();
        var file = Path.Combine(folder, WeightsFile);
        if (!File.Exists(file)) throw new StudyException($"it holds no {WeightsFile}", folder);
        var weights = new StoredWeights(file, type);
        var old = keys.Json["metadata"] is not JsonObject;
        if (old) Modernise(keys, weights, converted);
        if (weights.Has("log_threshold"))
        {
            weights["threshold"] = weights["log_threshold"].exp();
            weights.Remove("log_threshold");
            converted.Add("log_threshold became threshold");
        }
        var sizes = SaeLensKeys.Sizes(keys);
        var architecture = SaeLensKeys.Architecture(keys, sizes);
        var training = keys.Has("decoder_init_norm");
        if (architecture is Architectures.BatchTopKArchitecture && !weights.Has("topk_threshold"))
            throw new StudyException("the tensor topk_threshold is missing", file, "a batchtopk SAE cannot be run without it");
        var dictionary = new SparseDictionary(architecture, sizes, SaeLensKeys.Normalisation(keys), SaeLensKeys.FlattensHeads(keys),
            weights.Take(architecture, sizes, converted), (JsonObject)keys.Json["metadata"]!.DeepClone());
        return new StoredDictionary(folder, old ? "SAELens before 6" : training ? "SAELens 6, training" : "SAELens 6", weights.StoredType,
            dictionary, converted);
    }

    /// <summary>Brings an old configuration, in place, to today's keys.</summary>
    private static void Modernise(ConfigurationKeys keys, StoredWeights weights, List<string> converted)
    {
        var json = keys.Json;
        Rename("hook_point", "hook_name");
        Rename("hook_point_head_index", "hook_head_index");
        Rename("activation_fn_str", "activation_fn");
        var function = keys.Text("activation_fn", "relu");
        if (!keys.Has("architecture")) json["architecture"] = "standard";
        if (function == "topk")
        {
            if (json["activation_fn_kwargs"] is not JsonObject arguments || arguments["k"] is not { } k)
                throw keys.Wrong("activation_fn_kwargs", "an object with k");
            json["architecture"] = "topk";
            json["k"] = k.DeepClone();
            converted.Add($"activation_fn topk became the architecture topk, k {k.ToJsonString()}");
        }
        else if (function != "relu") throw keys.Wrong("activation_fn", "relu or topk");
        if (json["normalize_activations"] is JsonValue value && value.TryGetValue<bool>(out var normalised))
        {
            json["normalize_activations"] = normalised ? "expected_average_only_in" : "none";
            converted.Add($"normalize_activations {(normalised ? "true" : "false")} became {json["normalize_activations"]}");
        }
        if (weights.Has("scaling_factor"))
        {
            // A fine-tuned factor of each code: the decoder's rows take it.
            weights["W_dec"] = weights["W_dec"] * weights["scaling_factor"].unsqueeze(1);
            weights.Remove("scaling_factor");
            converted.Add("scaling_factor went into the rows of W_dec");
        }
        if (keys.Text("hook_name", "").EndsWith("hook_z", StringComparison.Ordinal) && !keys.Has("reshape_activations"))
            json["reshape_activations"] = "hook_z";
        var metadata = new JsonObject();
        foreach (var key in OldMetadata)
            if (json.ContainsKey(key)) metadata[key] = json[key]?.DeepClone();
        json["metadata"] = metadata;

        void Rename(string from, string to)
        {
            if (!json.ContainsKey(from) || json.ContainsKey(to)) return;
            json[to] = json[from]?.DeepClone();
            json.Remove(from);
            converted.Add($"{from} became {to}");
        }
    }
}
