using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Models;

/// <summary>Works out which stored tensors make which weight of a model, and checks that they are there in the right shape.</summary>
internal static class WeightLayouts
{
    /// <exception cref="StudyException">A tensor is missing, has another shape or is not of floating-point numbers.</exception>
    public static WeightLayout Create(ModelDescription description, IWeightSource source)
    {
        var naming = source is GgufFile ? WeightNaming.Gguf(description.Config.Family) : description.Config.Family switch
        {
            "gpt2" => WeightNaming.Gpt2(source),
            "attention-only" => WeightNaming.AttentionOnly,
            _ => WeightNaming.Llama(source),
        };
        var layout = new Builder(description, source, naming).Build();
        foreach (var part in layout.Slots().SelectMany(s => s.Parts)) Check(part, source);
        naming.RefuseStrangers(source, layout);
        return layout;
    }

    private static void Check(WeightPart part, IWeightSource source)
    {
        if (!source.Tensors.TryGetValue(part.Name, out var stored))
            throw new StudyException($"the tensor '{part.Name}' is missing, expected shape [{string.Join(", ", part.Shape)}]", source.Where,
                "the files do not belong to this configuration, or are incomplete");
        if (!stored.Shape.SequenceEqual(part.Shape))
            throw new StudyException($"its shape is [{string.Join(", ", stored.Shape)}], expected [{string.Join(", ", part.Shape)}]",
                stored.Where,
                "the file does not belong to this configuration");
        if (!stored.IsFloatingPoint)
            throw new StudyException($"its type is {stored.TypeName}; weights are floating-point numbers", stored.Where);
        if (stored.RowLength > 1 << 28) throw new StudyException($"rows of {stored.RowLength} are not supported", stored.Where);
    }

    private sealed class Builder(ModelDescription description, IWeightSource source, WeightNaming naming)
    {
        private readonly ModelConfig _config = description.Config;

        public WeightLayout Build()
        {
            var width = _config.ModelWidth;
            return new WeightLayout(_config,
                Plain(naming.Embedding, _config.Vocabulary, width),
                naming.PositionEmbedding is { } positions ? Plain(positions, _config.ContextLength, width) : null,
                [.. Enumerable.Range(0, _config.Layers).Select(Block)],
                Vector(naming.NormFinal, width), NormBias(naming.NormFinal),
                description.Tied ? null : Plain(naming.Unembedding, _config.Vocabulary, width));
        }

        private BlockLayout Block(int layer)
        {
            var prefix = naming.Block.Replace("{l}", layer.ToString(System.Globalization.CultureInfo.InvariantCulture));
            string? At(string? name) => name is null ? null : prefix + name;
            long width = _config.ModelWidth, mlp = _config.MlpWidth, head = _config.HeadWidth;
            long queries = _config.Heads * head, keys = _config.KeyValueHeads * head;

            (string Name, long Rows, StoredOrder Order, int Heads)[] attention = naming.QueryKeyValue is { } fused
                ? [(At(fused)!, queries + 2 * keys, StoredOrder.Same, 0)]
                : [(At(naming.Query)!, queries, naming.QueryKeyRows, _config.Heads),
                    (At(naming.Key)!, keys, naming.QueryKeyRows, _config.KeyValueHeads),
                   (At(naming.Value)!, keys, StoredOrder.Same, 0)];
            (string Name, long Rows, StoredOrder Order, int Heads)[] mlpIn = naming.MlpIn is null ? []
                : naming.Gate is { } gate ? [(At(gate)!, mlp, StoredOrder.Same, 0), (At(naming.MlpIn)!, mlp, StoredOrder.Same, 0)]
                : [(At(naming.MlpIn)!, mlp, StoredOrder.Same, 0)];
            (string, long, StoredOrder, int)[] output = [(At(naming.Output)!, width, StoredOrder.Same, 0)];
            (string, long, StoredOrder, int)[] mlpOut = naming.MlpOut is null ? [] : [(At(naming.MlpOut)!, width, StoredOrder.Same, 0)];

            // Llama's attention_bias covers the output too, Qwen2's biases are of q, k, v only; there a missing one is no error.
            var outputBias = _config.Family == "gpt2"
                || (_config.Family is "llama" or "mistral" && description.AttentionBias && source is not GgufFile);
            return new BlockLayout(
                Vector(At(naming.NormAttention), width), NormBias(At(naming.NormAttention)),
                Matrix(attention, width)!, Bias(attention, description.AttentionBias),
                Matrix(output, queries)!, Bias(output, outputBias),
                Vector(At(naming.NormMlp), width), NormBias(At(naming.NormMlp)),
                Matrix(mlpIn, width), Bias(mlpIn, description.MlpBias),
                Matrix(mlpOut, mlp), Bias(mlpOut, description.MlpBias));
        }

        private static WeightSlot Plain(string name, long rows, long columns) =>
            new([rows, columns], [new WeightPart(name, [rows, columns])]);

        private static WeightSlot? Vector(string? name, long length) =>
            name is null ? null : new([length], [new WeightPart(name, [length])]);

        private WeightSlot? NormBias(string? norm) =>
            norm is not null && _config.Norm == NormKind.LayerNorm ? Vector(WeightNaming.BiasOf(norm), _config.ModelWidth) : null;

        private WeightSlot? Matrix((string Name, long Rows, StoredOrder Order, int Heads)[] parts, long inputs)
        {
            if (parts.Length == 0) return null;
            return new([parts.Sum(p => p.Rows), inputs], [.. parts.Select(p => naming.Matrices == StoredOrder.Transposed
                ? new WeightPart(p.Name, [inputs, p.Rows], StoredOrder.Transposed)
                : new WeightPart(p.Name, [p.Rows, inputs], p.Order, p.Heads))]);
        }

        /// <summary>The biases of stacked matrices: all of them where one is needed or there.</summary>
        private WeightSlot? Bias((string Name, long Rows, StoredOrder Order, int Heads)[] parts, bool needed)
        {
            var names = parts.Select(p => WeightNaming.BiasOf(p.Name)).ToArray();
            if (parts.Length == 0 || (!needed && !names.Any(source.Tensors.ContainsKey))) return null;
            return new([parts.Sum(p => p.Rows)], [.. parts.Zip(names, (p, name) => new WeightPart(name, [p.Rows], p.Order, p.Heads))]);
        }
    }
}
