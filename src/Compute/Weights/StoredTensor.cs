namespace InterpActors.Compute.Weights;

/// <summary>
/// A tensor in a file, not yet in memory. Rows are the last dimension; a tensor of fewer than two dimensions is one row. Reading is
/// thread-safe and releases the mapped pages when it returns.
/// </summary>
/// <param name="File">The file's name, for messages.</param>
/// <param name="Shape">Outermost dimension first, whatever the file's own order is.</param>
/// <param name="TypeName">The file's name of the element type, e.g. <c>BF16</c> or <c>Q4_K</c>.</param>
/// <param name="StoredBytes">Size in the file.</param>
public abstract record StoredTensor(string File, string Name, IReadOnlyList<long> Shape, string TypeName, long StoredBytes)
{
    /// <summary>Number of elements.</summary>
    public long Count => Shape.Aggregate(1L, (a, b) => a * b);

    /// <summary>Elements of a row.</summary>
    public long RowLength => Shape.Count == 0 ? 1 : Shape[^1];

    public long Rows => RowLength == 0 ? 0 : Count / RowLength;

    /// <summary>False for the integer types of a safetensors file, which no weight has.</summary>
    public virtual bool IsFloatingPoint => true;

    /// <summary>Where a message points: file and tensor.</summary>
    public string Where => $"{File} tensor {Name}";

    /// <summary>
    /// Reads whole rows as fp32: widened, rounded or dequantised in fp32 arithmetic.
    /// </summary>
    public abstract void ReadRows(long firstRow, int rows, Span<float> destination);

    /// <summary>Reads whole rows as fp64: the exact widening of the stored (or dequantised fp32) values.</summary>
    public abstract void ReadRows(long firstRow, int rows, Span<double> destination);
}

/// <summary>One or several files of weights, opened and validated.</summary>
public interface IWeightSource : IDisposable
{
    /// <summary>What a message calls the whole: the file or the folder.</summary>
    string Where { get; }

    /// <summary>All tensors by name.</summary>
    IReadOnlyDictionary<string, StoredTensor> Tensors { get; }

    /// <summary>The files that the tensors are in, absolute.</summary>
    IReadOnlyList<string> Files { get; }

    /// <summary>Their size.</summary>
    long FileBytes { get; }
}
