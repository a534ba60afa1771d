namespace InterpActors.Compute.Dictionaries.Training;

/// <summary>What a training step says of itself.</summary>
/// <param name="Step">Its number, from 0.</param>
/// <param name="LearningRate">As used in it.</param>
/// <param name="Coefficient">Weight of the sparsity loss, as used in it.</param>
/// <param name="Loss">Sum of the terms.</param>
/// <param name="Terms">In the order of the architecture's names.</param>
/// <param name="L0">Mean number of codes of a row that are not 0.</param>
/// <param name="Dead">Latents that counted as dead in it.</param>
/// <param name="GradientNorm">Before clipping.</param>
/// <param name="Threshold">After the step's update: of batchtopk the moving average, of jumprelu the mean; otherwise null.</param>
public sealed record StepReport(long Step, double LearningRate, double Coefficient, double Loss, IReadOnlyList<double> Terms, double L0,
    long Dead, double GradientNorm, double? Threshold);

/// <summary>A loss became NaN or infinite. The state is still that before the step.</summary>
public sealed class TrainingDivergedException(long step, string term, double value)
    : Exception(FormattableString.Invariant($"training diverged: {term} is {value} in step {step}"))
{
    public long Step => step;
}
