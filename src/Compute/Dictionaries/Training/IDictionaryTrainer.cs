using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Training;

/// <summary>Trains one dictionary. Not thread-safe; it computes on the calling thread and at most the threads it was given.</summary>
public interface IDictionaryTrainer : IDisposable
{
    TrainingPlan Plan { get; }

    /// <summary>The state after the last step. Valid until the next one; the trainer owns it.</summary>
    TrainingState State { get; }

    /// <param name="batch">[rows, d_in], raw activations of any floating-point type.</param>
    /// <exception cref="TrainingDivergedException">A loss is not finite.</exception>
    StepReport Train(Tensor batch);
}
