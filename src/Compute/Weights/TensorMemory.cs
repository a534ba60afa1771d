using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Weights;

/// <summary>The memory of contiguous tensors on the CPU. An address is good as long as its tensor lives.</summary>
internal static unsafe class TensorMemory
{
    /// <summary>Address of the first element; 0 for null or an empty tensor.</summary>
    /// <exception cref="ArgumentException">The tensor is not contiguous or not on the CPU.</exception>
    public static nint Address(Tensor? tensor)
    {
        if (tensor is null || tensor.numel() == 0) return 0;
        if (tensor.device_type != DeviceType.CPU || !tensor.is_contiguous())
            throw new ArgumentException("a contiguous tensor on the CPU is needed", nameof(tensor));
        if (tensor.numel() * tensor.element_size() <= int.MaxValue) return Start(tensor.bytes);
        // A span cannot hold more than 2 GiB; the first element's does.
        using var scope = NewDisposeScope();
        return Start(tensor.view(-1).narrow(0, 0, 1).bytes);
    }

    /// <summary>Some of a tensor's bytes.</summary>
    public static Span<byte> Bytes(Tensor tensor, long start, int length) => new((byte*)Address(tensor) + start, length);

    private static nint Start(Span<byte> bytes) => (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(bytes));
}
