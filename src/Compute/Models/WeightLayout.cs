namespace InterpActors.Compute.Models;

/// <summary>How the elements of a stored tensor are arranged compared with ours.</summary>
internal enum StoredOrder
{
    /// <summary>[out, in] or a vector: as ours.</summary>
    Same,

    /// <summary>[in, out].</summary>
    Transposed,

    /// <summary>Rows of each head interleaved, so that rotary pairs are neighbours (2i, 2i + 1) instead of (i, i + d_head/2).</summary>
    RotaryNeighbours,
}

/// <summary>One stored tensor of which a weight is made.</summary>
/// <param name="Shape">As stored.</param>
/// <param name="Heads">For <see cref="StoredOrder.RotaryNeighbours"/>: into how many heads the rows divide.</param>
internal sealed record WeightPart(string Name, IReadOnlyList<long> Shape, StoredOrder Order = StoredOrder.Same, int Heads = 0)
{
    public long Count => Shape.Aggregate(1L, (a, b) => a * b);
}

/// <summary>One of our weights: stored tensors stacked along the first dimension.</summary>
internal sealed record WeightSlot(IReadOnlyList<long> Shape, IReadOnlyList<WeightPart> Parts)
{
    public long Count => Shape.Aggregate(1L, (a, b) => a * b);
}

/// <summary>The weights of a block and where they come from; as <see cref="BlockWeights"/>.</summary>
internal sealed record BlockLayout(
    WeightSlot? NormAttention, WeightSlot? NormAttentionBias, WeightSlot QueryKeyValue, WeightSlot? QueryKeyValueBias, WeightSlot Output,
    WeightSlot? OutputBias,
    WeightSlot? NormMlp, WeightSlot? NormMlpBias, WeightSlot? MlpIn, WeightSlot? MlpInBias, WeightSlot? MlpOut, WeightSlot? MlpOutBias)
{
    public IEnumerable<WeightSlot> Slots() => new[]
    {
        NormAttention, NormAttentionBias, QueryKeyValue, QueryKeyValueBias, Output, OutputBias, NormMlp, NormMlpBias, MlpIn, MlpInBias,
        MlpOut, MlpOutBias,
    }.OfType<WeightSlot>();
}

/// <summary>All weights of a model and where they come from; as <see cref="ModelWeights"/>.</summary>
/// <param name="Unembedding">Null where the head is tied to the embedding.</param>
internal sealed record WeightLayout(
    ModelConfig Config, WeightSlot Embedding, WeightSlot? PositionEmbedding, IReadOnlyList<BlockLayout> Blocks,
    WeightSlot? NormFinal, WeightSlot? NormFinalBias, WeightSlot? Unembedding)
{
    public IEnumerable<WeightSlot> Slots() =>
        new[] { Embedding, PositionEmbedding, NormFinal, NormFinalBias, Unembedding }.OfType<WeightSlot>()
            .Concat(Blocks.SelectMany(b => b.Slots()));

    /// <summary>Every parameter once.</summary>
    public long Parameters => Slots().Sum(s => s.Count);
}
