using InterpActors.Compute.Dictionaries.Architectures;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Training;

/// <summary>Chooses how a plan is trained.</summary>
public static class DictionaryTrainers
{
    /// <summary>Whether there are kernels of our own for it.</summary>
    public static bool IsFast(TrainingPlan plan) => plan.Sizes.Input == plan.Sizes.Output && plan.Sizes.Input > 1
        && (plan.Architecture is StandardArchitecture or TopKArchitecture || plan.Architecture.GetType() == typeof(BatchTopKArchitecture));

    /// <summary>The fastest trainer of a plan; which one it is depends on the plan alone.</summary>
    /// <param name="state">Taken over.</param>
    /// <param name="threads">Of our own kernels; torch's are set for the whole process.</param>
    public static IDictionaryTrainer Create(TrainingPlan plan, TrainingState state, int threads) =>
        !IsFast(plan) ? new DenseTrainer(plan, state)
        : plan.Type == ScalarType.Float64 ? new FastTrainer<double>(plan, state, threads)
        : new FastTrainer<float>(plan, state, threads);
}
