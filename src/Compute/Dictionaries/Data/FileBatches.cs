using InterpActors.Compute.Weights;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Data;

/// <summary>Batches of a tensor in a safetensors file: [batches, rows, d] as they stand there, or [rows, d] cut or shuffled into
/// batches.</summary>
internal sealed class FileBatches : ActivationBatches
{
    private const long WindowBytes = 1L << 30;

    private readonly SafetensorsFile _file;
    private readonly SafetensorsTensor _tensor;
    private readonly bool _shuffled;
    private readonly long _seed;
    private readonly long _rowBytes;
    private readonly long _windowRows;
    private readonly Lazy<FileWindow>[] _windows;
    private readonly RowOrder? _order;

    /// <param name="file">Disposed with this.</param>
    /// <param name="name">A tensor of floating point with two or three dimensions and at least one batch.</param>
    /// <param name="seed">Of the order, where it is shuffled.</param>
    public FileBatches(SafetensorsFile file, string name, int batch, bool shuffled, long seed)
    {
        (_file, _shuffled, _seed, Rows) = (file, shuffled, seed, batch);
        var (mapped, start, stored) = file.Locate(name);
        _tensor = stored;
        (Width, _rowBytes) = ((int)stored.RowLength, stored.RowLength * stored.Type.Bytes);
        if (stored.Shape.Count == 2) _order = new RowOrder([stored.Rows], batch, stored.Rows, 0, seed, shuffled);
        _windowRows = Math.Max(1, WindowBytes / _rowBytes);
        _windows = [.. Enumerable.Range(0, (int)((stored.Rows + _windowRows - 1) / _windowRows)).Select(w => new Lazy<FileWindow>(() =>
        {
            var first = w * _windowRows;
            return mapped.Map(start + first * _rowBytes, (int)(Math.Min(_windowRows, stored.Rows - first) * _rowBytes));
        }))];
    }

    /// <inheritdoc/>
    public override int Width { get; }

    /// <inheritdoc/>
    public override int Rows { get; }

    /// <inheritdoc/>
    public override ScalarType Type => _tensor.Type.Torch;

    /// <inheritdoc/>
    public override unsafe void Fill(long index, Tensor batch, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var places = Places(index);
        var bytes = (byte*)TensorMemory.Address(batch);
        for (var i = 0; i < Rows; i++)
        {
            var window = _windows[places[i] / _windowRows].Value.Bytes;
            window.Slice((int)(places[i] % _windowRows * _rowBytes), (int)_rowBytes)
                .CopyTo(new Span<byte>(bytes + i * _rowBytes, (int)_rowBytes));
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (var window in _windows)
            if (window.IsValueCreated) window.Value.Dispose();
        _file.Dispose();
    }

    private long[] Places(long index)
    {
        var places = new long[Rows];
        if (_order is not null)
        {
            var rows = new RowPlace[Rows];
            _order.Batch(index, rows);
            return Array.ConvertAll(rows, r => (long)r.Row);
        }
        var (epoch, at) = (index / _tensor.Shape[0], index % _tensor.Shape[0]);
        if (_shuffled) at = new KeyedPermutation(_tensor.Shape[0], _seed, epoch)[at];
        for (var i = 0; i < Rows; i++) places[i] = at * Rows + i;
        return places;
    }
}
