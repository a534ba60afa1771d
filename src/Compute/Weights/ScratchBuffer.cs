using System.Buffers;

namespace InterpActors.Compute.Weights;

/// <summary>A rented array that goes back to its pool; its contents are not cleared.</summary>
internal readonly struct ScratchBuffer<T>(int length) : IDisposable
{
    private readonly T[] _array = ArrayPool<T>.Shared.Rent(length);

    public Span<T> Span => _array.AsSpan(0, length);

    public void Dispose() => ArrayPool<T>.Shared.Return(_array);
}
