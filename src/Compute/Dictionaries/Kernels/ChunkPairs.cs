using System.Numerics;

namespace InterpActors.Compute.Dictionaries.Kernels;

/// <summary>The pairs of row and latent of some consecutive rows: rows rising, within a row latents rising.</summary>
internal sealed unsafe class ChunkPairs<T> : IDisposable where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly NativeList<int> _latents = new();
    private readonly NativeList<T> _values = new();
    private readonly int[] _counts;

    /// <param name="rows">Most rows of a chunk.</param>
    public ChunkPairs(int rows) => _counts = new int[rows];

    public int* Latents => _latents.Data;

    /// <summary>Pre-activations at first; <see cref="SparsePass{T}"/> makes codes of them.</summary>
    public T* Values => _values.Data;

    /// <summary>Pairs of all rows.</summary>
    public long Count { get; private set; }

    /// <summary>Pairs of each row.</summary>
    public ReadOnlySpan<int> Counts => _counts;

    public void Clear()
    {
        Count = 0;
        Array.Clear(_counts);
    }

    /// <summary>Room at the end of the list for a row's pairs, to be followed by <see cref="Append"/>.</summary>
    public void Room(int most, out int* latents, out T* values)
    {
        _latents.Reserve(Count + most);
        _values.Reserve(Count + most);
        latents = _latents.Data + Count;
        values = _values.Data + Count;
    }

    /// <summary>Says how much of the room a row took.</summary>
    public void Append(int row, int count)
    {
        _counts[row] = count;
        Count += count;
    }

    /// <summary>Keeps the values above one, and as many equal to it as are due.</summary>
    public void Cut(T last, long ties)
    {
        long from = 0, to = 0;
        for (var row = 0; row < _counts.Length; row++)
        {
            var count = _counts[row];
            var kept = TopSelection<T>.Keep(Latents + from, Values + from, count, last, ref ties);
            new ReadOnlySpan<int>(Latents + from, kept).CopyTo(new Span<int>(Latents + to, kept));
            new ReadOnlySpan<T>(Values + from, kept).CopyTo(new Span<T>(Values + to, kept));
            _counts[row] = kept;
            from += count;
            to += kept;
        }
        Count = to;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _latents.Dispose();
        _values.Dispose();
    }
}
