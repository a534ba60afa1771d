using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Data;

/// <summary>The batches that dictionaries are trained on. Batch t is a pure function of the study and t. Thread-safe.</summary>
public abstract class ActivationBatches : IDisposable
{
    /// <summary>d_in.</summary>
    public abstract int Width { get; }

    /// <summary>Rows of a batch.</summary>
    public abstract int Rows { get; }

    /// <summary>A batch [rows, width], of the caller's dispose scope.</summary>
    /// <param name="index">From 0.</param>
    /// <param name="type">Values are converted to it.</param>
    public abstract Tensor Batch(long index, ScalarType type, CancellationToken cancellation);

    /// <inheritdoc/>
    public virtual void Dispose()
    {
    }
}
