namespace InterpActors.Compute.Models;

/// <summary>Inverse frequencies of rotary embeddings, in fp64.</summary>
internal static class RotaryFrequencies
{
    /// <summary>base^(−2i/dimensions) for i = 0 … dimensions/2 − 1 (Su et al. 2021, arXiv 2104.09864, section 3.2.2).</summary>
    public static double[] Plain(int dimensions, double theta) =>
        [.. Enumerable.Range(0, dimensions / 2).Select(i => 1.0 / Math.Pow(theta, 2.0 * i / dimensions))];

    /// <summary>Position interpolation: every frequency divided by the factor (Chen et al. 2023, arXiv 2306.15595).</summary>
    public static double[] Linear(double[] plain, double factor) => [.. plain.Select(f => f / factor)];

    /// <summary>
    /// Llama 3.1's scaling: wavelengths above <paramref name="originalContext"/>/<paramref name="lowFactor"/> are stretched by the
    /// factor, those below originalContext/<paramref name="highFactor"/> left alone, those between blended.
    /// </summary>
    public static double[] Llama3(double[] plain, double factor, double lowFactor, double highFactor, double originalContext) =>
        [.. plain.Select(frequency =>
    {
        var wavelength = 2 * Math.PI / frequency;
        if (wavelength > originalContext / lowFactor) return frequency / factor;
        if (wavelength < originalContext / highFactor) return frequency;
        var smooth = (originalContext / wavelength - lowFactor) / (highFactor - lowFactor);
        return (1 - smooth) * frequency / factor + smooth * frequency;
    })];
}
