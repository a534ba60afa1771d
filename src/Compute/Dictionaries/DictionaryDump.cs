using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries;

/// <summary>Runs a dictionary over a file of activations.</summary>
public static class DictionaryDump
{
    /// <summary>Rows at a time: enough for the full rate, few enough that intermediate results stay small.</summary>
    private const int ChunkRows = 4096;

    /// <summary>
    /// Writes <c>acts_pre</c> (where the architecture has one), <c>acts</c>, <c>recon</c> = decode(encode(x)) and <c>forward</c> (with
    /// a transcoder's skip) of a tensor of activations.
    /// </summary>
    /// <param name="input">A safetensors file.</param>
    /// <param name="name">Its tensor; null where it has only one.</param>
    /// <returns>Shape of the input.</returns>
    /// <exception cref="StudyException">The tensor is missing, or not as wide as the dictionary.</exception>
    public static IReadOnlyList<long> Write(SparseDictionary dictionary, string input, string? name, string output)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        using var file = SafetensorsFile.Open(input);
        name ??= file.Tensors.Count == 1 ? file.Names.First()
            : throw new StudyException($"it holds {file.Tensors.Count} tensors: {string.Join(", ", file.Names.Take(8))}", input,
                "say which with --tensor");
        if (!file.Tensors.TryGetValue(name, out var stored))
            throw new StudyException($"there is no tensor '{name}'", input, $"it holds {string.Join(", ", file.Names.Take(8))}");
        if (!stored.IsFloatingPoint) throw new StudyException($"its type is {stored.TypeName}, activations are needed", stored.Where);
        CheckWidth(dictionary, stored);
        var x = file.Read(name, dictionary.Type);
        var shape = x.shape;
        var trailing = dictionary.FlattensHeads ? shape[^2..] : shape[^1..];
        var rows = x.reshape([-1, .. trailing]);
        var parts = new SortedDictionary<string, List<Tensor>>(StringComparer.Ordinal);
        for (long start = 0; start < rows.shape[0]; start += ChunkRows)
        {
            using var chunk = NewDisposeScope();
            var some = rows.narrow(0, start, Math.Min(ChunkRows, rows.shape[0] - start));
            var encoding = dictionary.Encode(some);
            var reconstruction = dictionary.Decode(encoding.Activations, encoding.Frame);
            if (encoding.PreActivations is { } before) Add("acts_pre", before);
            Add("acts", encoding.Activations);
            Add("recon", reconstruction);
            Add("forward", dictionary.Forward(reconstruction, some));

            void Add(string part, Tensor value)
            {
                if (!parts.TryGetValue(part, out var list)) parts[part] = list = [];
                list.Add(value.MoveToOuterDisposeScope());
            }
        }
        if (parts.Count == 0) throw new StudyException("the tensor has no rows", stored.Where);
        var leading = shape[..^trailing.Length];
        SafetensorsWriter.Write(output, parts.Select(p =>
        {
            var whole = p.Value.Count == 1 ? p.Value[0] : cat(p.Value);
            return (p.Key, whole.reshape([.. leading, .. whole.shape[1..]]));
        }));
        return shape;
    }

    private static void CheckWidth(SparseDictionary dictionary, StoredTensor stored)
    {
        var width = dictionary.FlattensHeads
            ? stored.Shape.Count < 2 ? 0 : stored.Shape[^2] * stored.Shape[^1]
            : stored.Shape.Count < 1 ? 0 : stored.Shape[^1];
        if (width != dictionary.Sizes.Input)
            throw new StudyException($"its shape is [{string.Join(", ", stored.Shape)}], the SAE takes "
                + (dictionary.FlattensHeads ? $"heads of together {dictionary.Sizes.Input}" : $"rows of {dictionary.Sizes.Input}"),
                stored.Where);
    }
}
