using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Weights;

/// <summary>The memory of a contiguous tensor on the CPU, for reading files straight into it. Valid while the tensor lives.</summary>
internal static unsafe class TensorMemory
{
    /// <summary>The address of the first element; null for an empty tensor.</summary>
    public static byte* Pointer(Tensor tensor)
    {
        if (tensor.device_type != DeviceType.CPU || !tensor.is_contiguous())
            throw new ArgumentException("a contiguous tensor on the CPU is needed", nameof(tensor));
        if (tensor.NumberOfElements == 0) return null;
        // Tensor.bytes refuses tensors of 2 GiB and more, but not a view of their first element.
        using var scope = torch.NewDisposeScope();
        return (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(tensor.view(-1).narrow(0, 0, 1).bytes));
    }

    /// <summary>Some of a tensor's bytes.</summary>
    public static Span<byte> Bytes(Tensor tensor, long start, int length) => new(Pointer(tensor) + start, length);
}
