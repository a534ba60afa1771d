using System.Runtime.InteropServices;

namespace InterpActors.Compute.Dictionaries.Kernels;

/// <summary>A list in memory of its own, for kernels to append to. It grows and never shrinks.</summary>
internal sealed unsafe class NativeList<T> : IDisposable where T : unmanaged
{
    private long _capacity;

    public T* Data { get; private set; }

    /// <summary>Makes room for this many elements altogether; those that are there stay.</summary>
    public void Reserve(long count)
    {
        if (count <= _capacity) return;
        _capacity = Math.Max(count, _capacity + _capacity / 2);
        Data = (T*)NativeMemory.AlignedRealloc(Data, (nuint)(_capacity * sizeof(T)), 64);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(Data);
        Data = null;
    }
}
