using InterpActors.Compute.Dictionaries.Architectures;
using TorchSharp;

namespace InterpActors.Compute.Dictionaries.Training;

/// <summary>Adam's constants. Epsilon is added outside the root.</summary>
public sealed record AdamSettings(double Beta1 = 0.9, double Beta2 = 0.999, double Epsilon = 1e-8);

/// <summary>Everything that a training run is, but data and initial weights.</summary>
/// <param name="Type">Float32 or Float64, of weights, optimiser and arithmetic.</param>
/// <param name="DeadWindow">A latent is dead after more steps than this without firing.</param>
public sealed record TrainingPlan(ITrainableArchitecture Architecture, DictionarySizes Sizes, torch.ScalarType Type,
    LearningRateSchedule LearningRate, int DeadWindow)
{
    public AdamSettings Adam { get; init; } = new();

    /// <summary>Largest norm of the gradient of all parameters together.</summary>
    public double Clip { get; init; } = 1;

    /// <summary>Per row; with layer-norm and constant-norm the losses are those of the normalised rows.</summary>
    public InputNormalisation Normalisation { get; init; }

    /// <summary>Norm that decoder rows begin with.</summary>
    public double DecoderNorm { get; init; } = 0.1;

    /// <summary>Names of the tensors that gradients move, in the architecture's order.</summary>
    public IEnumerable<string> Trained => Architecture.Parameters.Select(p => p.Name).Except(Architecture.AdaptiveState);

    /// <summary>Element type of one of the tensors.</summary>
    public torch.ScalarType TypeOf(string parameter) =>
        Architecture.AdaptiveState.Contains(parameter) ? torch.ScalarType.Float64
        : Architecture.SingleParameters.Contains(parameter) ? torch.ScalarType.Float32 : Type;
}
