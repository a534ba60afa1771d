using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Evaluation;

/// <summary>
/// Which latents speak for a class, by a probe: (mean code on its texts − mean code on others) · ⟨decoder row, probe⟩. Source:
/// SAEBench's TPP, where only latents that fire more on the class count, and SCR, where both directions do.
/// </summary>
internal static class LatentEffects
{
    /// <param name="mine">Mean codes on the class's texts. [latents], fp64.</param>
    /// <param name="others">Mean codes on other texts.</param>
    /// <param name="absolute">True for SCR.</param>
    /// <returns>[latents]</returns>
    public static double[] Of(Tensor mine, Tensor others, Tensor decoder, LogisticProbe probe, bool absolute)
    {
        using var scope = NewDisposeScope();
        var difference = mine - others;
        var along = decoder.to_type(ScalarType.Float64).matmul(tensor(probe.Weights));
        var effects = absolute ? (difference * along).abs() : difference.clamp_min(0) * along;
        return effects.contiguous().data<double>().ToArray();
    }

    /// <summary>
    /// The latents of largest effect; of equals the first. Only those with an effect above 0: where SAEBench runs out of them, it goes
    /// on into latents without any, in no order.
    /// </summary>
    public static int[] Largest(double[] effects, int count) =>
        [.. Enumerable.Range(0, effects.Length).Where(i => effects[i] > 0).OrderByDescending(i => effects[i]).Take(count)];
}
