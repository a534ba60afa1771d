using System.Collections.Concurrent;
using InterpActors.Compute.Weights;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace InterpActors.Compute.Interventions.Kernels;

/// <summary>
/// x · Wᵀ + b on a device other than the CPU. Weights are copied there when first needed and stay; tokens go there and results come back,
/// because all else (norms, attention over ragged rows, edits) is computed on the CPU. Thread-safe.
/// </summary>
internal sealed class DeviceLinear(Device device) : IDisposable
{
    /// <summary>By address of the weight.</summary>
    private readonly ConcurrentDictionary<nint, Lazy<Tensor>> _copies = new();

    /// <param name="x">[tokens, in], on the CPU.</param>
    /// <param name="weight">[out, in], on the CPU.</param>
    /// <param name="bias">[out] or null.</param>
    /// <param name="firstRow">The first of the outputs that are wanted.</param>
    /// <param name="rows">How many are.</param>
    /// <returns>[tokens, rows], contiguous, on the CPU.</returns>
    public Tensor Apply(Tensor x, Tensor weight, Tensor? bias, int firstRow, int rows)
    {
        using var scope = NewDisposeScope();
        var matrix = Copy(weight).narrow(0, firstRow, rows);
        var shift = bias is null ? null : Copy(bias).narrow(0, firstRow, rows);
        return F.linear(x.to(device), matrix, shift).cpu().contiguous().MoveToOuterDisposeScope();
    }

    private Tensor Copy(Tensor tensor) =>
        _copies.GetOrAdd(TensorMemory.Address(tensor), _ => new(() => tensor.to(device, copy: true).DetachFromDisposeScope())).Value;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var copy in _copies.Values.Where(c => c.IsValueCreated)) copy.Value.Dispose();
    }
}
