using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Data;

/// <summary>The batches that dictionaries are trained on. Batch t is a pure function of the study and t. Thread-safe.</summary>
public abstract class ActivationBatches : IDisposable
{
    /// <summary>d_in.</summary>
    public abstract int Width { get; }

    /// <summary>Rows of a batch.</summary>
    public abstract int Rows { get; }

    /// <summary>As the activations are stored.</summary>
    public abstract ScalarType Type { get; }

    /// <summary>Writes a batch into a tensor [rows, width] of <see cref="Type"/>.</summary>
    /// <param name="index">From 0.</param>
    public abstract void Fill(long index, Tensor batch, CancellationToken cancellation);

    /// <summary>A batch [rows, width], of the caller's dispose scope.</summary>
    /// <param name="index">From 0.</param>
    /// <param name="type">Values are converted to it.</param>
    public Tensor Batch(long index, ScalarType type, CancellationToken cancellation)
    {
        var batch = empty([Rows, Width], Type);
        Fill(index, batch, cancellation);
        return type == Type ? batch : batch.to_type(type, disposeAfter: true);
    }

    /// <inheritdoc/>
    public virtual void Dispose()
    {
    }
}
