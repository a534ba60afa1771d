using static TorchSharp.torch;

namespace InterpActors.Compute.Models;

/// <summary>
/// The weights of one block. Every matrix is stored [out, in] and contiguous, so that both matmul routes can read it and a row range
/// (one head's query, the gate half) is a view. Null where the model has no such tensor.
/// </summary>
/// <param name="NormAttention">ln1 weight [d_model].</param>
/// <param name="QueryKeyValue">[(heads + 2·kv_heads)·d_head, d_model]: q rows of all heads, then k rows, then v rows.</param>
/// <param name="QueryKeyValueBias">[(heads + 2·kv_heads)·d_head].</param>
/// <param name="Output">W_O: [d_model, heads·d_head].</param>
/// <param name="MlpIn">Plain MLP: [d_mlp, d_model]. Gated: [2·d_mlp, d_model], gate rows first, then up rows.</param>
/// <param name="MlpOut">[d_model, d_mlp].</param>
public sealed record BlockWeights(
    Tensor? NormAttention, Tensor? NormAttentionBias, Tensor QueryKeyValue, Tensor? QueryKeyValueBias, Tensor Output, Tensor? OutputBias,
    Tensor? NormMlp, Tensor? NormMlpBias, Tensor? MlpIn, Tensor? MlpInBias, Tensor? MlpOut, Tensor? MlpOutBias);

/// <summary>All weights of a model in one dtype on one device, detached from any dispose scope. Shared, read-only, thread-safe.</summary>
/// <param name="Embedding">W_E: [d_vocab, d_model].</param>
/// <param name="PositionEmbedding">W_pos: [n_ctx, d_model].</param>
/// <param name="NormFinal">ln_final weight [d_model].</param>
/// <param name="Unembedding">[d_vocab, d_model];
/// the very tensor <paramref name="Embedding"/> where the head is tied and unprocessed.</param>
/// <param name="UnembeddingBias">[d_vocab].</param>
public sealed record ModelWeights(
    ModelConfig Config, ScalarType Type, WeightProcessing Processing,
    Tensor Embedding, Tensor? PositionEmbedding, IReadOnlyList<BlockWeights> Blocks,
    Tensor? NormFinal, Tensor? NormFinalBias, Tensor Unembedding, Tensor? UnembeddingBias) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in Tensors()) tensor.Dispose();
    }

    /// <summary>Every tensor once.</summary>
    public IEnumerable<Tensor> Tensors()
    {
        IEnumerable<Tensor?> all =
        [
            Embedding, PositionEmbedding, NormFinal, NormFinalBias, UnembeddingBias,
            ReferenceEquals(Embedding, Unembedding) ? null : Unembedding,
        ];
        foreach (var b in Blocks)
            all = all.Concat([b.NormAttention, b.NormAttentionBias, b.QueryKeyValue, b.QueryKeyValueBias, b.Output, b.OutputBias,
                b.NormMlp, b.NormMlpBias, b.MlpIn, b.MlpInBias, b.MlpOut, b.MlpOutBias]);
        return all.OfType<Tensor>();
    }
}
