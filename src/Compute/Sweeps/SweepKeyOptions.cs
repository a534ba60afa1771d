using InterpActors.Compute.Interventions;

namespace InterpActors.Compute.Sweeps;

/// <summary>What a method lets the sweep keys say.</summary>
/// <param name="Components">The components it can write.</param>
/// <param name="ByDefault">The granularity where the file names none.</param>
public sealed record SweepKeyOptions(IReadOnlyList<Component> Components, Granularity ByDefault)
{
    /// <summary>True where the method takes <c>sets</c>.</summary>
    public bool Sets { get; init; }

    /// <summary>True where the method can write latents of a dictionary.</summary>
    public bool Latents { get; init; }

    /// <summary>True where components and granularity are the method's own, so that the file cannot choose them.</summary>
    public bool Fixed { get; init; }
}
