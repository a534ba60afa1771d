using System.Text.Json.Nodes;
using InterpActors.Compute.Dictionaries.Architectures;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Training;

/// <summary>What a run has learned, as SAELens saves it for use.</summary>
public static class TrainedDictionary
{
    /// <summary>
    /// A copy in inference form: the scaling of the data folded into the weights, decoder norms folded where codes were rescaled by them,
    /// batchtopk and matryoshka as jumprelu.
    /// </summary>
    /// <param name="scaling">What <see cref="TrainingState.ScalingFactor"/> is an estimate of.</param>
    /// <param name="metadata">Model, hook and so on; what is known of the training is added.</param>
    public static SparseDictionary Of(TrainingPlan plan, TrainingState state, DataScaling scaling, JsonObject metadata)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        metadata = (JsonObject)metadata.DeepClone();
        metadata["training_architecture"] = plan.Architecture.Name;
        metadata["training_architecture_details"] = TrainingKeys(plan);
        var tensors = state.Weights.All.ToDictionary(t => t.Name, t => t.Tensor.detach().clone(), StringComparer.Ordinal);
        IArchitecture architecture = plan.Architecture;
        if (scaling != DataScaling.None)
        {
            Unscale(plan.Architecture, tensors, state.ScalingFactor, scaling);
            architecture = plan.Architecture.Unscaled(state.ScalingFactor);
        }
        using var trained = new SparseDictionary(architecture, plan.Sizes, plan.Normalisation, false,
            new DictionaryWeights(tensors.Select(t => (t.Key, t.Value))), metadata);
        return InferenceForm.Of(trained, foldTopK: true);
    }

    /// <summary>The architecture's keys of SAELens' training configuration.</summary>
    internal static JsonObject TrainingKeys(TrainingPlan plan)
    {
        var keys = new JsonObject { ["decoder_init_norm"] = plan.DecoderNorm };
        // A batchtopk is saved for use as another architecture, so that k is a key of its training alone.
        if (plan.Architecture is BatchTopKArchitecture) plan.Architecture.AddKeys(keys);
        plan.Architecture.AddTrainingKeys(keys);
        return keys;
    }

    /// <summary>The same function of unscaled data: codes and reconstructions in the data's own units.</summary>
    private static void Unscale(ITrainableArchitecture architecture, Dictionary<string, Tensor> tensors, double factor, DataScaling scaling)
    {
        tensors["b_dec"] = tensors["b_dec"] / factor;
        if (architecture is MatchingPursuitArchitecture) return;
        if (scaling == DataScaling.MeanNorm)
        {
            // Codes stay; those that are chosen in units of decoder norms shrink with the decoder.
            tensors["W_enc"] = tensors["W_enc"] * factor;
            tensors["W_dec"] = tensors["W_dec"] / factor;
            if (architecture is BatchTopKArchitecture { RescalesByDecoderNorm: true })
                tensors["topk_threshold"] = tensors["topk_threshold"] / factor;
            return;
        }
        // Weights stay; codes shrink.
        foreach (var name in new[] { "b_enc", "b_gate", "b_mag", "threshold", "topk_threshold" })
            if (tensors.TryGetValue(name, out var tensor)) tensors[name] = tensor / factor;
    }
}
