using System.Numerics;

namespace InterpActors.Compute.Dictionaries.Kernels;

/// <summary>Pairs sorted by latent, rows rising within one: a counting sort, chunk by chunk.</summary>
internal sealed unsafe class LatentOrder<T> : IDisposable where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Latents at a time whose counts are summed over the chunks.</summary>
    private const int Block = 256;

    private readonly NativeList<int> _rows = new();
    private readonly NativeList<T> _codes = new();
    private readonly long[] _starts;
    private long[][] _places = [];

    public LatentOrder(int latents) => _starts = new long[latents + 1];

    public int Latents => _starts.Length - 1;

    /// <summary>Pairs of a latent.</summary>
    public int CountOf(int latent) => (int)(_starts[latent + 1] - _starts[latent]);

    public int* RowsOf(int latent) => _rows.Data + _starts[latent];

    public T* CodesOf(int latent) => _codes.Data + _starts[latent];

    public void Sort(IReadOnlyList<ChunkPairs<T>> chunks, int chunkRows, int threads)
    {
        while (_places.Length < chunks.Count) _places = [.. _places, new long[Latents]];
        Workers.Run(chunks.Count, threads, (_, c) =>
        {
            var counts = _places[c];
            Array.Clear(counts);
            for (long i = 0; i < chunks[c].Count; i++) counts[chunks[c].Latents[i]]++;
        });
        var blocks = (Latents + Block - 1) / Block;
        Workers.Run(blocks, threads, (_, block) => Total(block, chunks.Count));
        long total = 0;
        for (var latent = 0; latent <= Latents; latent++)
        {
            var count = latent < Latents ? _starts[latent] : 0;
            _starts[latent] = total;
            total += count;
        }
        Workers.Run(blocks, threads, (_, block) => Start(block, chunks.Count));
        _rows.Reserve(total);
        _codes.Reserve(total);
        Workers.Run(chunks.Count, threads, (_, c) => Place(chunks[c], _places[c], c * chunkRows));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _rows.Dispose();
        _codes.Dispose();
    }

    /// <summary>Sums the chunks' counts of some latents, into where they will start.</summary>
    private void Total(int block, int chunks)
    {
        var (first, end) = (block * Block, Math.Min(Latents, (block + 1) * Block));
        Array.Clear(_starts, first, end - first);
        for (var c = 0; c < chunks; c++)
            for (var latent = first; latent < end; latent++) _starts[latent] += _places[c][latent];
    }

    /// <summary>Replaces the chunks' counts of some latents by the places where each begins.</summary>
    private void Start(int block, int chunks)
    {
        var (first, end) = (block * Block, Math.Min(Latents, (block + 1) * Block));
        var at = _starts.AsSpan(first, end - first).ToArray();
        for (var c = 0; c < chunks; c++)
            for (var latent = first; latent < end; latent++)
            {
                var count = _places[c][latent];
                _places[c][latent] = at[latent - first];
                at[latent - first] += count;
            }
    }

    private void Place(ChunkPairs<T> chunk, long[] places, int firstRow)
    {
        long at = 0;
        for (var row = 0; row < chunk.Counts.Length; row++)
            for (var end = at + chunk.Counts[row]; at < end; at++)
            {
                var place = places[chunk.Latents[at]]++;
                _rows.Data[place] = firstRow + row;
                _codes.Data[place] = chunk.Values[at];
            }
    }
}
