using System.Text.Json.Nodes;
using InterpActors.Compute.Dictionaries.Architectures;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries;

/// <summary>
/// A trained dictionary as SAELens saves it for use: batchtopk and matryoshka become jumprelu at their threshold, and where
/// pre-activations are rescaled by decoder norms these are folded into the weights (W_enc and b_enc times the norms, rows of W_dec of
/// norm 1), which changes no code.
/// </summary>
public static class InferenceForm
{
    /// <param name="foldTopK">Fold the decoder norms of a topk dictionary too, as SAELens does when training ends.</param>
    /// <returns>A new dictionary with tensors of its own; the caller disposes of it.</returns>
    public static SparseDictionary Of(SparseDictionary dictionary, bool foldTopK = false)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var tensors = dictionary.Weights.All.ToDictionary(t => t.Name, t => t.Tensor.detach().clone(), StringComparer.Ordinal);
        var (architecture, metadata) = (dictionary.Architecture, (JsonObject)dictionary.Metadata.DeepClone());
        if (architecture is BatchTopKArchitecture batch)
        {
            if (batch.RescalesByDecoderNorm) Fold(tensors);
            tensors.Remove("topk_threshold", out var threshold);
            tensors["threshold"] = ones_like(tensors["b_enc"]) * threshold!.to_type(tensors["b_enc"].dtype);
            architecture = new JumpReluArchitecture(batch.SubtractsDecoderBias);
            metadata.TryAdd("training_architecture", batch.Name);
        }
        else if (foldTopK && architecture is TopKArchitecture { RescalesByDecoderNorm: true }) Fold(tensors);
        return new SparseDictionary(architecture, dictionary.Sizes, dictionary.Normalisation, dictionary.FlattensHeads,
            new DictionaryWeights(tensors.Select(t => (t.Key, t.Value))), metadata);
    }

    private static void Fold(Dictionary<string, Tensor> tensors)
    {
        var norms = tensors["W_dec"].square().sum(-1).sqrt();
        tensors["W_enc"] = tensors["W_enc"] * norms;
        tensors["b_enc"] = tensors["b_enc"] * norms;
        tensors["W_dec"] = tensors["W_dec"] / norms.unsqueeze(1);
    }
}
