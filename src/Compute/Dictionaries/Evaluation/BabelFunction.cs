using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Evaluation;

/// <summary>
/// How far the atoms of a dictionary are from orthogonal, several at a time. Source: Tropp, IEEE Trans. Inf. Theory 50, 2004.
/// </summary>
internal static class BabelFunction
{
    /// <summary>
    /// μ₁(m) for m = 1 … <paramref name="most"/>: the largest, over atoms, sum of the m largest |cosines| with other atoms.
    /// </summary>
    /// <param name="atoms">[latents, d]</param>
    public static double[] Of(Tensor atoms, int most)
    {
        using var scope = NewDisposeScope();
        var wide = atoms.to(ScalarType.Float64);
        var unit = wide / wide.norm(1, keepdim: true).clamp_min(1e-300);
        var cosines = unit.matmul(unit.t()).abs();
        cosines.diagonal().fill_(0);
        var many = (int)Math.Min(most, atoms.shape[0] - 1);
        if (many <= 0) return [];
        var (largest, _) = cosines.topk(many, 1);
        return largest.cumsum(1).amax([0]).data<double>().ToArray();
    }
}
