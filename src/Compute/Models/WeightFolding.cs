using static TorchSharp.torch;

namespace InterpActors.Compute.Models;

/// <summary>
/// TransformerLens' default weight processing, which leaves log-probabilities as they are: norm weights and biases go into the matrices
/// that read the normalised residual stream; with LayerNorm the matrices that write to the stream (and those that read from it) are
/// centred over d_model, which LayerNorm does anyway; value biases move through W_O into its bias; the unembedding is centred over the
/// vocabulary. Sums are taken in fp64 and rounded once to the run's type.
/// </summary>
/// <remarks>Source of the formulas: <c>transformer_lens/weight_processing.py</c> (fold_layer_norm, center_writing_weights,
/// center_unembed, fold_value_biases), in that order.</remarks>
internal static class WeightFolding
{
    private const long ChunkElements = 1 << 17;

    /// <summary>Changes the tensors in place; a tied unembedding becomes a tensor of its own. New tensors are of the caller's dispose
    /// scope.</summary>
    /// <param name="weights">As stored, used by nobody else yet.</param>
    public static ModelWeights Fold(ModelWeights weights)
    {
        var config = weights.Config;
        var centre = config.Norm == NormKind.LayerNorm;
        var unembedding = ReferenceEquals(weights.Unembedding, weights.Embedding) ? weights.Embedding.clone() : weights.Unembedding;
        var unembeddingBias = FoldNorm(unembedding, weights.UnembeddingBias, weights.NormFinal, weights.NormFinalBias, centre);
        if (centre)
        {
            CentreRows(weights.Embedding);
            if (weights.PositionEmbedding is { } positions) CentreRows(positions);
        }
        var blocks = weights.Blocks.Select(b => FoldBlock(b, config, centre)).ToArray();
        CentreColumns(unembedding);
        if (unembeddingBias is not null) CentreVector(unembeddingBias);
        return weights with
        {
            Processing = WeightProcessing.Folded,
            Blocks = blocks,
            NormFinal = null,
            NormFinalBias = null,
            Unembedding = unembedding,
            UnembeddingBias = unembeddingBias,
        };
    }

    private static BlockWeights FoldBlock(BlockWeights block, ModelConfig config, bool centre)
    {
        var queryKeyValueBias =
            FoldNorm(block.QueryKeyValue, block.QueryKeyValueBias, block.NormAttention, block.NormAttentionBias, centre);
        var mlpInBias = block.MlpIn is { } mlpIn ? FoldNorm(mlpIn, block.MlpInBias, block.NormMlp, block.NormMlpBias, centre) : null;
        if (centre)
        {
            CentreColumns(block.Output);
            if (block.OutputBias is { } outputBias) CentreVector(outputBias);
            if (block.MlpOut is { } mlpOut) CentreColumns(mlpOut);
            if (block.MlpOutBias is { } mlpOutBias) CentreVector(mlpOutBias);
        }
        return block with
        {
            NormAttention = null,
            NormAttentionBias = null,
            NormMlp = null,
            NormMlpBias = null,
            QueryKeyValueBias = queryKeyValueBias,
            MlpInBias = mlpInBias,
            OutputBias = queryKeyValueBias is null ? block.OutputBias : FoldValueBias(block, queryKeyValueBias, config),
        };
    }

    /// <summary>bias += M·normBias, M ← M·diag(norm), then (LayerNorm) every row of M minus its mean.</summary>
    /// <param name="matrix">[out, d_model]</param>
    /// <returns>The bias [out]; a new one where the norm's bias makes one necessary.</returns>
    private static Tensor? FoldNorm(Tensor matrix, Tensor? bias, Tensor? norm, Tensor? normBias, bool centre)
    {
        if (norm is null) return bias;
        using var scope = NewDisposeScope();
        var folded = bias ?? (normBias is null ? null : zeros(matrix.shape[0], dtype: matrix.dtype).MoveToOuterDisposeScope());
        var scale = norm.to(ScalarType.Float64);
        var shift = normBias?.to(ScalarType.Float64);
        ForRows(matrix, (rows, first) =>
        {
            if (shift is not null)
            {
                var target = folded!.narrow(0, first, rows.shape[0]);
                target.copy_(target.to(ScalarType.Float64) + rows.matmul(shift));
            }
            rows = rows * scale;
            return centre ? rows - rows.mean([-1], keepdim: true) : rows;
        });
        return folded;
    }

    /// <summary>bias += W_O·(value bias of each query head's key/value head); the value bias becomes 0.</summary>
    private static Tensor FoldValueBias(BlockWeights block, Tensor queryKeyValueBias, ModelConfig config)
    {
        using var scope = NewDisposeScope();
        long values = (long)config.KeyValueHeads * config.HeadWidth;
        var valueBias = queryKeyValueBias.narrow(0, queryKeyValueBias.shape[0] - values, values);
        var perQueryHead = valueBias.to(ScalarType.Float64).view(config.KeyValueHeads, config.HeadWidth)
            .repeat_interleave(config.GroupSize, 0).flatten();
        var bias = block.OutputBias ?? zeros(config.ModelWidth, dtype: queryKeyValueBias.dtype).MoveToOuterDisposeScope();
        ForRows(block.Output, (rows, first) =>
        {
            var target = bias.narrow(0, first, rows.shape[0]);
            target.copy_(target.to(ScalarType.Float64) + rows.matmul(perQueryHead));
            return null;
        });
        valueBias.zero_();
        return bias;
    }

    private static void CentreRows(Tensor matrix) => ForRows(matrix, (rows, _) => rows - rows.mean([-1], keepdim: true));

    private static void CentreColumns(Tensor matrix)
    {
        using var scope = NewDisposeScope();
        var sum = zeros(matrix.shape[1], dtype: ScalarType.Float64);
        ForRows(matrix, (rows, _) =>
        {
            // An array: the plain number 0 would be taken for a scalar type.
            sum.add_(rows.sum([0]));
            return null;
        });
        var mean = sum / matrix.shape[0];
        ForRows(matrix, (rows, _) => rows - mean);
    }

    private static void CentreVector(Tensor vector)
    {
        using var scope = NewDisposeScope();
        var values = vector.to(ScalarType.Float64);
        vector.copy_(values - values.mean());
    }

    /// <summary>Goes through a matrix by runs of rows in fp64, so that no fp64 copy of it all is made, and writes back what is
    /// returned.</summary>
    private static void ForRows(Tensor matrix, Func<Tensor, long, Tensor?> change)
    {
        var chunk = Math.Max(1, ChunkElements / matrix.shape[1]);
        for (long first = 0; first < matrix.shape[0]; first += chunk)
        {
            using var scope = NewDisposeScope();
            var rows = matrix.narrow(0, first, Math.Min(chunk, matrix.shape[0] - first));
            if (change(rows.to(ScalarType.Float64), first) is { } changed) rows.copy_(changed);
        }
    }
}
