using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Planted;

/// <summary>Data whose features are known: every row is a sum of planted directions. Thread-safe.</summary>
internal interface IPlantedWorld
{
    /// <summary>The planted directions, unit rows, fp64. [features, d]</summary>
    Tensor Features { get; }

    /// <summary>What every row has besides its features, fp64. [d]</summary>
    Tensor Offset { get; }

    /// <summary>Features of one family, the parent first; empty where there is no hierarchy.</summary>
    IReadOnlyList<int[]> Families { get; }

    /// <summary>
    /// How strongly each feature is present in the rows of a batch: a pure function of the batch's number. fp64, [rows, features]
    /// </summary>
    Tensor Activations(long batch, int rows);

    /// <summary>Whether some rows are of special tokens.</summary>
    bool KnowsSpecial => false;

    /// <summary>Which rows of a batch are of special tokens: [rows] bool; null where the world has none.</summary>
    Tensor? Special(long batch, int rows) => null;
}

/// <summary>What every planted world has in common.</summary>
internal static class PlantedWorlds
{
    /// <summary>The rows that activations make: activations · features + offset. fp64, [rows, d]</summary>
    public static Tensor Rows(this IPlantedWorld world, Tensor activations) => activations.matmul(world.Features) + world.Offset;
}
