using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Architectures;

/// <summary>What a training step knows beside weights and batch.</summary>
/// <param name="Step">From 0.</param>
/// <param name="Coefficient">Of the sparsity loss, warmed up.</param>
/// <param name="Dead">Numbers of the latents that count as dead, rising: [dead] int64; null where none does.</param>
public sealed record StepContext(long Step, double Coefficient, Tensor? Dead);

/// <summary>What a training step computes forward, with gradients attached.</summary>
/// <param name="Terms">Scalars, in the order of <see cref="ITrainableArchitecture.LossTerms"/>; their sum is the loss.</param>
/// <param name="Codes">[rows, d_sae], as decoded; those that are not 0 have fired.</param>
public sealed record StepLosses(IReadOnlyList<Tensor> Terms, Tensor Codes);

/// <summary>An architecture that can be trained: its loss by terms and its adaptive state. All losses are sums over the width (or over
/// latents) and means over rows.</summary>
public interface ITrainableArchitecture : IArchitecture
{
    /// <summary>SAELens' names of the loss terms, <c>mse_loss</c> first.</summary>
    IReadOnlyList<string> LossTerms { get; }

    /// <summary>Names of tensors that training moves without gradients; in float64 whatever the weights' type.</summary>
    IReadOnlyList<string> AdaptiveState => [];

    /// <summary>Names of parameters that are float32 whatever the weights' type.</summary>
    IReadOnlyList<string> SingleParameters => [];

    /// <summary>Weight of the sparsity loss at a step; 0 where the architecture has none.</summary>
    double Coefficient(long step) => 0;

    /// <summary>How many latents of a row a step keeps, in the mean; null where the architecture does not count them.</summary>
    double? KeptAt(long step) => null;

    /// <summary>Changes parameters before the forward pass, without gradients.</summary>
    void BeginStep(DictionaryWeights weights)
    {
    }

    /// <param name="x">[rows, d_in], normalised and scaled.</param>
    StepLosses Losses(DictionaryWeights weights, Tensor x, StepContext context);

    /// <summary>Moves the adaptive state after the forward pass, without gradients.</summary>
    void EndStep(DictionaryWeights weights, Tensor codes)
    {
    }

    /// <summary>Initial values of parameters that are neither a weight nor a bias of 0.</summary>
    double InitialValue(string parameter) => 0;

    /// <summary>The same architecture for data that were multiplied by a factor in training and no longer are.</summary>
    IArchitecture Unscaled(double factor) => this;

    /// <summary>Adds the keys of SAELens' training configuration.</summary>
    void AddTrainingKeys(JsonObject configuration);
}
