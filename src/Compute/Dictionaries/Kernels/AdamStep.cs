namespace InterpActors.Compute.Dictionaries.Kernels;

/// <summary>Constants of one step of Adam.</summary>
/// <param name="Clip">What gradients are multiplied by.</param>
/// <param name="Rate">Learning rate over 1 − β₁^t.</param>
/// <param name="Correction">1 over √(1 − β₂^t).</param>
internal readonly record struct AdamStep<T>(T Beta1, T Beta2, T Epsilon, T Clip, T Rate, T Correction);
