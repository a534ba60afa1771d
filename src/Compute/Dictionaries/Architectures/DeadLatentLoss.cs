using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Architectures;

/// <summary>
/// The top-k family's auxiliary loss: dead latents reconstruct what the others leave over. Of each row the d_in / 2 largest
/// pre-activations among the dead (without relu, so negatives count), decoded without b_dec, against the residual as a constant; weighed
/// down by dead / (d_in / 2) while few are dead.
/// </summary>
internal static class DeadLatentLoss
{
    /// <param name="preActivations">[rows, d_sae], rescaled as for the choice.</param>
    /// <param name="directions">[d_sae, d_out] as decoded with.</param>
    /// <param name="residual">[rows, d_out], a constant.</param>
    /// <param name="dead">Numbers of dead latents; null: none.</param>
    /// <returns>The loss without its weight; null where no latent is dead.</returns>
    public static Tensor? Of(Tensor preActivations, Tensor directions, Tensor residual, Tensor? dead)
    {
        if (dead is null || dead.numel() == 0) return null;
        var (half, count) = ((int)residual.shape[^1] / 2, (int)dead.numel());
        var among = preActivations.index_select(1, dead);
        var (values, indices) = among.topk(Math.Min(half, count), -1, sorted: false);
        var codes = zeros_like(among).scatter(-1, indices, values);
        return Math.Min((double)count / half, 1) * LinearCode.MeanSquares(codes.matmul(directions.index_select(0, dead)) - residual);
    }
}
