using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace InterpActors.Compute.Dictionaries.Kernels;

/// <summary>
/// A matrix in memory of its own, rows padded with zeros to whole tiles, so that no kernel needs a tail. It grows and never shrinks:
/// a run's memory is flat after its first step.
/// </summary>
internal sealed unsafe class NativeRows<T> : IDisposable where T : unmanaged, IFloatingPointIeee754<T>
{
    private long _capacity;

    /// <param name="rows">All 0 at first.</param>
    public NativeRows(long rows, int width, int? stride = null)
    {
        (Width, Stride) = (width, stride ?? Padded(width));
        Reserve(rows);
    }

    public T* Data { get; private set; }

    /// <summary>Elements of a row that count.</summary>
    public int Width { get; }

    /// <summary>Elements from row to row.</summary>
    public int Stride { get; }

    /// <summary>A width rounded up to four vectors of 64 bytes, the width of a matmul's tile.</summary>
    public static int Padded(int width) => (width + 4 * Vector512<T>.Count - 1) / (4 * Vector512<T>.Count) * (4 * Vector512<T>.Count);

    public T* Row(long row) => Data + row * Stride;

    /// <summary>Makes room for rows. What is there may be lost: everything is 0 where it grew.</summary>
    public void Reserve(long rows)
    {
        if (rows * Stride <= _capacity && Data != null) return;
        NativeMemory.AlignedFree(Data);
        _capacity = Math.Max(1, rows * Stride);
        Data = (T*)NativeMemory.AlignedAlloc((nuint)(_capacity * sizeof(T)), 64);
        Clear();
    }

    public void Clear() => NativeMemory.Clear(Data, (nuint)(_capacity * sizeof(T)));

    /// <summary>Sets rows from contiguous memory without padding.</summary>
    public void Load(T* from, long rows)
    {
        for (long r = 0; r < rows; r++) new ReadOnlySpan<T>(from + r * Width, Width).CopyTo(new Span<T>(Row(r), Width));
    }

    /// <summary>Copies rows to contiguous memory without padding.</summary>
    public void Store(T* to, long rows)
    {
        for (long r = 0; r < rows; r++) new ReadOnlySpan<T>(Row(r), Width).CopyTo(new Span<T>(to + r * Width, Width));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(Data);
        Data = null;
    }
}
