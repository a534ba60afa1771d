using System.Text.Json.Nodes;
using InterpActors.Compute.Dictionaries.Architectures;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Files;

/// <summary>
/// dictionary_learning's folders: <c>config.json</c> with a <c>trainer</c>, and the state dict saved as safetensors (its own
/// <c>ae.pt</c> is a pickle, which is not read).
/// </summary>
internal static class DictionaryLearningFolder
{
    public static StoredDictionary Read(string folder, ConfigurationKeys keys, ScalarType type)
    {
        if (keys.Json["trainer"] is not JsonObject trainer || trainer["dict_class"] is not JsonValue named
            || !named.TryGetValue<string>(out var kind))
            throw new StudyException("config.json has no trainer.dict_class", folder, "a folder of dictionary_learning is expected");
        var files = Directory.GetFiles(folder, "*.safetensors");
        if (files.Length != 1)
            throw new StudyException(files.Length == 0 ? "it holds no .safetensors file" : "it holds several .safetensors files", folder,
                "save the state dict of ae.pt as ae.safetensors");
        var (weights, converted) = (new StoredWeights(files[0], type), new List<string>());
        var architecture = Convert(kind, trainer, weights, folder, converted);
        var decoder = weights["W_dec"];
        if (decoder.dim() != 2) throw new StudyException($"the decoder has {decoder.dim()} dimensions, 2 are needed", files[0]);
        var sizes = new DictionarySizes((int)decoder.shape[1], (int)decoder.shape[0], (int)decoder.shape[1]);
        if (architecture is TopKArchitecture { K: var k } && (k < 1 || k > sizes.Latents))
            throw new StudyException($"k is {k}, 1 to the {sizes.Latents} latents are possible", folder);
        var metadata = new JsonObject();
        if (trainer["lm_name"] is { } model) metadata["model_name"] = model.DeepClone();
        if (trainer["submodule_name"] is { } hook) metadata["hook_name"] = hook.DeepClone();
        return new StoredDictionary(folder, "dictionary_learning", weights.StoredType, new SparseDictionary(architecture, sizes,
            InputNormalisation.None, false, weights.Take(architecture, sizes, converted), metadata), converted);
    }

    private static IArchitecture Convert(string kind, JsonObject trainer, StoredWeights weights, string folder, List<string> converted)
    {
        if (weights.Has("encoder.weight"))
        {
            weights.Rename("encoder.weight", "W_enc", transposed: true);
            weights.Rename("decoder.weight", "W_dec", transposed: true);
            converted.Add("encoder.weight and decoder.weight became W_enc and W_dec, transposed");
        }
        if (weights.Has("encoder.bias")) weights.Rename("encoder.bias", "b_enc");
        switch (kind)
        {
            case "AutoEncoder":
                weights.Rename("bias", "b_dec");
                return new StandardArchitecture(true);
            case "GatedAutoEncoder":
                weights.Rename("decoder_bias", "b_dec");
                weights.Rename("gate_bias", "b_gate");
                weights.Rename("mag_bias", "b_mag");
                return new GatedArchitecture(true);
            case "JumpReluAutoEncoder":
                return new JumpReluArchitecture(trainer["apply_b_dec_to_input"] is JsonValue flag && flag.GetValue<bool>());
            case "AutoEncoderTopK":
                weights.Remove("threshold");
                return new TopKArchitecture(true, trainer["k"] is JsonValue k && k.TryGetValue<int>(out var count) ? count
                    : throw new StudyException("config.json has no trainer.k", folder), RescalesByDecoderNorm: false);
            case "BatchTopKSAE" or "MatryoshkaBatchTopKSAE":
                weights["threshold"] = weights["threshold"].expand(weights["b_enc"].shape[0]).contiguous();
                converted.Add($"{kind} became jumprelu at its threshold");
                return new JumpReluArchitecture(true);
            default:
                throw new StudyException($"trainer.dict_class is {kind}, known are AutoEncoder, GatedAutoEncoder, JumpReluAutoEncoder, "
                    + "AutoEncoderTopK, BatchTopKSAE, MatryoshkaBatchTopKSAE", folder);
        }
    }
}
