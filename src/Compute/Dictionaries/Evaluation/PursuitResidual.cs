using InterpActors.Compute.Dictionaries.Architectures;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Evaluation;

/// <summary>
/// Whether matching pursuit comes nearer with every pick: ‖r′‖² = ‖r‖² − v²(2 − ‖w‖²), so it does while no atom is longer than √2.
/// Source: MP-SAE, arXiv:2506.03093.
/// </summary>
internal static class PursuitResidual
{
    public const string Column = "residual_monotone";

    /// <summary>
    /// Of all picks on some rows, without stopping early, the share after which the residual was not longer. In float64, where what the
    /// rounding of a sum of squares may add is no growth.
    /// </summary>
    /// <param name="x">[rows, d]</param>
    public static double MonotoneShare(SparseDictionary dictionary, MatchingPursuitArchitecture architecture, Tensor x)
    {
        using var scope = NewDisposeScope();
        var atoms = dictionary.Weights["W_dec"].to_type(ScalarType.Float64);
        var residual = x.to_type(ScalarType.Float64);
        if (architecture.SubtractsDecoderBias) residual = residual - dictionary.Weights["b_dec"].to_type(ScalarType.Float64);
        var picks = architecture.MaxIterations ?? (int)x.shape[1];
        var rounding = 1 + 4 * x.shape[1] * Math.Pow(2, -53);
        long monotone = 0;
        for (var pick = 0; pick < picks; pick++)
        {
            var (value, atom) = residual.matmul(atoms.t()).max(1);
            var next = residual - value.clamp_min(0).unsqueeze(1) * atoms.index_select(0, atom);
            monotone += next.square().sum(1).le(residual.square().sum(1) * rounding).sum().item<long>();
            residual = next;
        }
        return monotone / ((double)picks * x.shape[0]);
    }
}
