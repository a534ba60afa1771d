using System.Text.Json.Nodes;
using InterpActors.Compute.Dictionaries.Architectures;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Files;

/// <summary>
/// sparsify's folders: <c>cfg.json</c> and <c>sae.safetensors</c> with the encoder as a linear layer. The k largest pre-activations of a
/// row, those that are positive; a transcoder does not subtract b_dec and may have a linear skip.
/// </summary>
internal static class SparsifyFolder
{
    public static StoredDictionary Read(string folder, ConfigurationKeys keys, ScalarType type)
    {
        var converted = new List<string> { "encoder.weight became W_enc, transposed" };
        var file = Path.Combine(folder, "sae.safetensors");
        if (!File.Exists(file)) throw new StudyException("it holds no sae.safetensors", folder);
        if (keys.Text("activation", "topk") != "topk") throw keys.Wrong("activation", "topk");
        var weights = new StoredWeights(file, type);
        weights.Rename("encoder.weight", "W_enc", transposed: true);
        weights.Rename("encoder.bias", "b_enc");
        var input = keys.Count("d_in");
        var latents = (int)keys.Number("num_latents", 0);
        if (latents == 0)
        {
            latents = input * keys.Count("expansion_factor");
            converted.Add($"num_latents is {latents}: expansion_factor times d_in");
        }
        var output = weights["W_dec"].dim() == 2 ? (int)weights["W_dec"].shape[1] : input;
        var sizes = new DictionarySizes(input, latents, output);
        if (keys.Count("k") is var k && k > latents) throw keys.Wrong("k", $"at most the {latents} latents");
        var transcodes = keys.Flag("transcode", false);
        IArchitecture architecture = new TopKArchitecture(!transcodes, k, RescalesByDecoderNorm: false);
        if (transcodes) architecture = new TranscoderArchitecture(architecture, keys.Flag("skip_connection", false));
        var metadata = new JsonObject { ["hook_name"] = Path.GetFileName(Path.TrimEndingDirectorySeparator(folder)) };
        return new StoredDictionary(folder, "sparsify", weights.StoredType, new SparseDictionary(architecture, sizes,
            InputNormalisation.None, false, weights.Take(architecture, sizes, converted), metadata), converted);
    }
}
