using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace InterpActors.Compute.Interventions.Kernels;

/// <summary>Addresses of CPU tensors. An address is good as long as its tensor lives.</summary>
internal static unsafe class TensorMemory
{
    /// <summary>Address of the first element of a contiguous CPU tensor; 0 for null or an empty one.</summary>
    public static nint Address(Tensor? tensor)
    {
        if (tensor is null || tensor.numel() == 0) return 0;
        if (!tensor.is_contiguous()) throw new ArgumentException("the tensor is not contiguous", nameof(tensor));
        if (tensor.numel() * tensor.element_size() <= int.MaxValue) return Start(tensor.bytes);
        // A span cannot hold more than 2 GiB; the first element's does.
        using var scope = NewDisposeScope();
        return Start(tensor.view(-1).narrow(0, 0, 1).bytes);
    }

    private static nint Start(Span<byte> bytes) => (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(bytes));
}
