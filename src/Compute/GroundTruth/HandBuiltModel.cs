using InterpActors.Compute.Models;
using InterpActors.Compute.Statistics;
using static TorchSharp.torch;

namespace InterpActors.Compute.GroundTruth;

/// <summary>
/// An attention-only transformer whose weights were written down rather than trained: learned positions, no norms, no MLPs, no biases,
/// scores not scaled. What every head does, and so every effect of an intervention, follows from the construction.
/// </summary>
/// <param name="Weights">In fp64.</param>
/// <param name="Pieces">The word of each token id; 0 is <c>&lt;bos&gt;</c>, 1 <c>&lt;unk&gt;</c>.</param>
/// <param name="Beta">Sharpness of attention: weights of scores are multiples of it.</param>
/// <param name="Gamma">What a name mover, or an induction head, adds to the logit of a token it fully attends to.</param>
public sealed record HandBuiltModel(string Name, ModelWeights Weights, IReadOnlyList<string> Pieces, double Beta, double Gamma)
    : IDisposable
{
    /// <summary>The family of these models in <c>config.json</c>.</summary>
    public const string Family = "attention-only";

    /// <param name="layers">The heads of each layer.</param>
    /// <param name="embedding">[d_vocab, d_model]</param>
    /// <param name="positions">[n_ctx, d_model]</param>
    /// <param name="unembedding">[d_vocab, d_model]</param>
    internal static HandBuiltModel Assemble(
        string name, string[] pieces, double beta, double gamma, int headWidth, HeadBuilder[][] layers, double[,] embedding,
        double[,] positions, double[,] unembedding)
    {
        var (heads, width) = (layers[0].Length, embedding.GetLength(1));
        var config = new ModelConfig(
            Family, name, layers.Length, heads, heads, headWidth, width, 0, positions.GetLength(0), pieces.Length, NormKind.None, 0,
            ActivationKind.None, false, PositionKind.Learned, null, 1, new int?[layers.Length]);
        using var scope = NewDisposeScope();
        var blocks = layers.Select(layer => new BlockWeights(
            null, null,
            cat([.. layer.Select(h => tensor(h.Query)), .. layer.Select(h => tensor(h.Key)), .. layer.Select(h => tensor(h.Value))], 0)
                .DetachFromDisposeScope(), null,
            cat([.. layer.Select(h => tensor(h.Output))], 1).contiguous().DetachFromDisposeScope(), null,
            null, null, null, null, null, null)).ToArray();
        var weights = new ModelWeights(config, ScalarType.Float64, WeightProcessing.None, tensor(embedding).DetachFromDisposeScope(),
            tensor(positions).DetachFromDisposeScope(), blocks, null, null, tensor(unembedding).DetachFromDisposeScope(), null);
        return new HandBuiltModel(name, weights, pieces, beta, gamma);
    }

    /// <summary>
    /// The same model in another basis of the residual stream: every matrix that reads or writes the stream is multiplied by a random
    /// orthogonal one. No activation of a head and no logit changes, but no coordinate means anything any more.
    /// </summary>
    public HandBuiltModel Rotated(long seed)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var random = new SeededRandom(seed);
        var width = Weights.Config.ModelWidth;
        var (basis, _) = linalg.qr(
            tensor(Enumerable.Range(0, width * width).Select(_ => random.NextNormal()).ToArray(), [width, width], ScalarType.Float64));
        Tensor Read(Tensor t) => t.matmul(basis).DetachFromDisposeScope();
        Tensor Written(Tensor t) => basis.t().matmul(t).contiguous().DetachFromDisposeScope();
        var blocks = Weights.Blocks.Select(b => b with { QueryKeyValue = Read(b.QueryKeyValue), Output = Written(b.Output) });
        return this with
        {
            Weights = Weights with
            {
                Embedding = Read(Weights.Embedding),
                PositionEmbedding = Read(Weights.PositionEmbedding!),
                Blocks = [.. blocks],
                Unembedding = Read(Weights.Unembedding),
            },
        };
    }

    /// <inheritdoc/>
    public void Dispose() => Weights.Dispose();
}
