using InterpActors.Compute.Dictionaries;
using InterpActors.Compute.Studies;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Methods.SaeEvaluation;

/// <summary>Planted data that dictionaries are compared with: the <c>truth</c> section.</summary>
/// <param name="Path">A safetensors file with the three tensors named here.</param>
/// <param name="Families">Features by family, the parent first.</param>
internal sealed record PlantedTruth(
    string Path, string Features, string Activations, string Rows, int FeatureCount, int Width, long RowCount,
    IReadOnlyList<int[]> Families)
{
    /// <summary>Rows that are encoded together.</summary>
    public const int Chunk = 4096;

    /// <exception cref="StudyException">The file lacks a tensor, or shapes do not fit each other.</exception>
    public static PlantedTruth Read(StudySection section, StudyContext study)
    {
        var name = section.Text("file");
        FileHash.Pin(section, "sha256", name, study.Folder, "file");
        var path = study.Folder.PathOf(name);
        using var file = SafetensorsFile.Open(path);
        IReadOnlyList<long> Shape(string key, string otherwise)
        {
            var tensorName = section.Text(key, otherwise);
            if (!file.Tensors.TryGetValue(tensorName, out var stored))
                throw section.Wrong(key, $"'{name}' has no tensor '{tensorName}'", StudySection.Nearest(tensorName, [.. file.Names]));
            return stored.Shape.Count == 2 ? stored.Shape
                : throw section.Wrong(key, $"'{tensorName}' has {stored.Shape.Count} dimensions", "two are needed");
        }
        var (features, acts, x) = (Shape("features", "features"), Shape("acts", "acts"), Shape("x", "x"));
        if (acts[1] != features[0]) throw section.Wrong("acts", $"it has {acts[1]} columns for {features[0]} features");
        if (x[1] != features[1]) throw section.Wrong("x", $"its rows are {x[1]} wide, the features {features[1]}");
        if (acts[0] != x[0]) throw section.Wrong("acts", $"it has {acts[0]} rows, x has {x[0]}");
        if (x[0] == 0) throw section.Wrong("x", "it has no rows");
        return new PlantedTruth(path, section.Text("features", "features"), section.Text("acts", "acts"), section.Text("x", "x"),
            (int)features[0], (int)features[1], x[0], ReadFamilies(section, (int)features[0]));
    }

    /// <summary>The tensors in fp64, opened once for the session.</summary>
    public PlantedTensors Open(StudySession session) => session.Derived(this, () =>
    {
        using var file = SafetensorsFile.Open(Path);
        return new PlantedTensors(Wide(file, Features), Wide(file, Activations), Wide(file, Rows));
    });

    private static Tensor Wide(SafetensorsFile file, string name)
    {
        using var scope = NewDisposeScope();
        return file.Read(name, ScalarType.Float64).DetachFromDisposeScope();
    }

    private static IReadOnlyList<int[]> ReadFamilies(StudySection section, int features)
    {
        var families = section.IntLists("families", 0, features - 1) ?? [];
        foreach (var family in families)
            if (family.Count < 2)
                throw section.Wrong("families", "a family has fewer than two features", "write a parent and its children: [0, 1, 2]");
        return [.. families.Select(f => f.ToArray())];
    }
}

/// <summary>The tensors of a <see cref="PlantedTruth"/>, fp64.</summary>
/// <param name="Features">[features, d]</param>
/// <param name="Activations">[rows, features]</param>
/// <param name="Rows">[rows, d]</param>
internal sealed record PlantedTensors(Tensor Features, Tensor Activations, Tensor Rows) : IDisposable
{
    /// <summary>Codes and reconstructions of the rows, chunk by chunk; each lives until the next.</summary>
    public IEnumerable<(Tensor Codes, Tensor Reconstruction, Tensor X, Tensor Truth)> Through(
        SparseDictionary dictionary, CancellationToken cancellation)
    {
        for (long first = 0; first < Rows.shape[0]; first += PlantedTruth.Chunk)
        {
            cancellation.ThrowIfCancellationRequested();
            var count = Math.Min(PlantedTruth.Chunk, Rows.shape[0] - first);
            using var scope = NewDisposeScope();
            var x = Rows.narrow(0, first, count);
            var encoding = dictionary.Encode(x);
            yield return (encoding.Activations, dictionary.Forward(dictionary.Decode(encoding.Activations, encoding.Frame), x), x,
                Activations.narrow(0, first, count));
        }
    }

    public void Dispose()
    {
        Features.Dispose();
        Activations.Dispose();
        Rows.Dispose();
    }
}
