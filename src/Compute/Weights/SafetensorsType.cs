using TorchSharp;

namespace InterpActors.Compute.Weights;

/// <summary>An element type of the safetensors format.</summary>
/// <param name="Torch">The torch type that holds every value: of the unsigned types wider than a byte the next wider signed one.</param>
public sealed record SafetensorsType(string Name, int Bytes, torch.ScalarType Torch, bool IsFloatingPoint)
{
    /// <summary>All types that can be read.</summary>
    public static IReadOnlyList<SafetensorsType> All { get; } =
    [
        new("F64", 8, torch.ScalarType.Float64, true),
        new("F32", 4, torch.ScalarType.Float32, true),
        new("F16", 2, torch.ScalarType.Float16, true),
        new("BF16", 2, torch.ScalarType.BFloat16, true),
        new("I64", 8, torch.ScalarType.Int64, false),
        new("I32", 4, torch.ScalarType.Int32, false),
        new("I16", 2, torch.ScalarType.Int16, false),
        new("I8", 1, torch.ScalarType.Int8, false),
        new("U8", 1, torch.ScalarType.Byte, false),
        new("U16", 2, torch.ScalarType.Int32, false),
        new("U32", 4, torch.ScalarType.Int64, false),
        new("U64", 8, torch.ScalarType.Int64, false),
        new("BOOL", 1, torch.ScalarType.Bool, false),
    ];

    public static SafetensorsType? Find(string name) => All.FirstOrDefault(t => t.Name == name);

    /// <summary>The type that stores a torch type bit by bit.</summary>
    /// <exception cref="ArgumentException">The format has none, e.g. for complex numbers.</exception>
    public static SafetensorsType Of(torch.ScalarType type) =>
        All.FirstOrDefault(t => t.Torch == type) ?? throw new ArgumentException($"safetensors has no type for {type}", nameof(type));

    /// <summary>True where the torch type has the very bits of the stored one.</summary>
    internal bool SameBits => Name is not ("U16" or "U32" or "U64");
}
