using InterpActors.Compute.Weights;
using static TorchSharp.torch;

namespace InterpActors.Compute.Interventions;

/// <summary>
/// The tokens at which some point of the forward is computed: each row of a chunk in turn, its positions ascending, and where each
/// token's vector lies in memory.
/// </summary>
internal sealed unsafe class TokenRows
{
    private readonly int[] _starts;
    private readonly int[] _positions;

    private TokenRows(int[] starts, int[] positions, nint[] pointers, Tensor? packed) =>
        (_starts, _positions, Pointers, Packed) = (starts, positions, pointers, packed);

    /// <summary>[tokens]: addresses of the tokens' vectors.</summary>
    public nint[] Pointers { get; }

    /// <summary>[tokens, width], where the vectors lie one after another in it; else null.</summary>
    public Tensor? Packed { get; private set; }

    public int Count => _positions.Length;
    public int Rows => _starts.Length - 1;

    public static TokenRows None(int rows) => new(new int[rows + 1], [], [], null);

    /// <summary>Index of a row's first token; <c>Start(Rows)</c> is <see cref="Count"/>.</summary>
    public int Start(int row) => _starts[row];

    public ReadOnlySpan<int> Positions(int row) => _positions.AsSpan(_starts[row].._starts[row + 1]);

    /// <summary>[tokens]</summary>
    public ReadOnlySpan<int> AllPositions => _positions;

    public int Position(int token) => _positions[token];

    /// <summary>The address of a row's token at a position; 0 where it is not among these.</summary>
    public nint Find(int row, int position)
    {
        var at = Array.BinarySearch(_positions, _starts[row], _starts[row + 1] - _starts[row], position);
        return at < 0 ? 0 : Pointers[at];
    }

    /// <summary>Which row a token belongs to.</summary>
    public int RowOf(int token)
    {
        var row = 0;
        while (_starts[row + 1] <= token) row++;
        return row;
    }

    /// <summary>The same tokens at another point of the forward.</summary>
    /// <param name="packed">[tokens, width]</param>
    public TokenRows With(Tensor packed)
    {
        var address = TensorMemory.Address(packed);
        return new(_starts, _positions, Addresses(address, packed.shape[1] * packed.element_size(), Count), packed);
    }

    /// <summary>The same tokens, whose vectors are a stretch of columns of a wider tensor.</summary>
    public TokenRows Columns(Tensor wide, long firstColumn)
    {
        var address = TensorMemory.Address(wide) + (nint)(firstColumn * wide.element_size());
        return new(_starts, _positions, Addresses(address, wide.shape[1] * wide.element_size(), Count), null);
    }

    /// <summary>[tokens, width]; gathered where the vectors do not lie one after another.</summary>
    public Tensor Pack(int width, ScalarType type)
    {
        if (Packed is not null) return Packed;
        var packed = empty([Count, width], type);
        var bytes = width * packed.element_size();
        var to = TensorMemory.Address(packed);
        for (var t = 0; t < Count; t++, to += (nint)bytes)
        {
            Buffer.MemoryCopy((void*)Pointers[t], (void*)to, bytes, bytes);
            Pointers[t] = to;
        }
        return Packed = packed;
    }

    private static nint[] Addresses(nint address, long stride, int count)
    {
        var pointers = new nint[count];
        for (var t = 0; t < count; t++) pointers[t] = address + (nint)(t * stride);
        return pointers;
    }

    /// <summary>Collects tokens row by row.</summary>
    public sealed class Builder(int rows)
    {
        private readonly int[] _starts = new int[rows + 1];
        private readonly List<int> _positions = [];
        private readonly List<nint> _pointers = [];
        private int _row;

        public int Count => _positions.Count;

        public void Add(int position, nint pointer)
        {
            _positions.Add(position);
            _pointers.Add(pointer);
        }

        public void EndRow() => _starts[++_row] = _positions.Count;

        /// <param name="sources">Tensors [≥ tokens, width] in one of which the vectors may turn out to lie in order.</param>
        public TokenRows Build(params ReadOnlySpan<Tensor?> sources)
        {
            Tensor? packed = null;
            foreach (var source in sources)
                if (packed is null && source is not null && Count > 0 && source.shape[0] >= Count
                    && InOrder(TensorMemory.Address(source), source.shape[1] * source.element_size()))
                    packed = source.shape[0] == Count ? source : source.narrow(0, 0, Count);
            return new(_starts, [.. _positions], [.. _pointers], packed);
        }

        private bool InOrder(nint address, long stride)
        {
            for (var t = 0; t < _pointers.Count; t++)
                if (_pointers[t] != address + (nint)(t * stride)) return false;
            return true;
        }
    }
}
