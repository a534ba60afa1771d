namespace InterpActors.Compute.Dictionaries.Data;

/// <summary>Tokens that the model reads in one go, each attending to those before it.</summary>
/// <param name="Tokens">[pos]</param>
/// <param name="Conversations">[pos]: which conversation or row of the source each token is of.</param>
/// <param name="Positions">[pos]: its place in there, from 0.</param>
public sealed record TokenSequence(int[] Tokens, int[] Conversations, int[] Positions)
{
    /// <summary>A sequence that is all of one conversation, from its start.</summary>
    public static TokenSequence Whole(int[] tokens, int conversation) =>
        new(tokens, [.. Enumerable.Repeat(conversation, tokens.Length)], [.. Enumerable.Range(0, tokens.Length)]);
}

/// <summary>The sequences of a data set in the order in which they are run. Thread-safe.</summary>
public abstract class TokenSequences : IDisposable
{
    public abstract long Count { get; }

    /// <summary>Tokens of a sequence, without reading it.</summary>
    public abstract int LengthOf(long index);

    public abstract TokenSequence this[long index] { get; }

    /// <inheritdoc/>
    public virtual void Dispose()
    {
    }
}

/// <summary>Sequences in memory.</summary>
internal sealed class ListedSequences(IReadOnlyList<TokenSequence> sequences) : TokenSequences
{
    public override long Count => sequences.Count;

    public override int LengthOf(long index) => sequences[(int)index].Tokens.Length;

    public override TokenSequence this[long index] => sequences[(int)index];
}

/// <summary>
/// The rows of a file of token ids. A flat file is cut at the context, its rest dropped (unless it is all there is); longer rows are
/// cut into pieces of the context.
/// </summary>
internal sealed class ArraySequences : TokenSequences
{
    private readonly TokenArray _ids;
    private readonly int _context;
    private readonly long _rowLength;
    private readonly int _pieces;

    /// <param name="ids">Checked. Disposed with this.</param>
    public ArraySequences(TokenArray ids, int context)
    {
        _ids = ids;
        if (ids.RowLength is { } row)
        {
            (_rowLength, _context) = (row, (int)Math.Min(row, context));
            _pieces = (int)((row + _context - 1) / _context);
            Count = ids.Count / row * _pieces;
        }
        else
        {
            _context = (int)Math.Min(ids.Count, context);
            (_rowLength, _pieces) = (_context, 1);
            Count = ids.Count / _context;
        }
    }

    public override long Count { get; }

    public override int LengthOf(long index) => (int)Math.Min(_context, _rowLength - index % _pieces * _context);

    public override TokenSequence this[long index]
    {
        get
        {
            var tokens = new int[LengthOf(index)];
            _ids.Read(index / _pieces * _rowLength + index % _pieces * _context, tokens);
            return TokenSequence.Whole(tokens, (int)index);
        }
    }

    public override void Dispose() => _ids.Dispose();
}
