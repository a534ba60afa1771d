using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Text;

/// <summary>Turns one piece of text into token ids.</summary>
internal interface ITokenModel
{
    /// <summary>Appends the ids of a piece that is not empty.</summary>
    void Encode(string piece, List<int> output);
}

/// <summary>The spelling of every id, in both directions.</summary>
internal sealed class Vocabulary
{
    private readonly Dictionary<string, int> _ids;
    private readonly Dictionary<int, string> _pieces;

    internal Vocabulary(IEnumerable<(string Piece, int Id)> entries)
    {
        _ids = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (piece, id) in entries) _ids[piece] = id;
        _pieces = new Dictionary<int, string>(_ids.Count);
        foreach (var (piece, id) in _ids) _pieces[id] = piece;
        Lookup = _ids.GetAlternateLookup<ReadOnlySpan<char>>();
        Size = _pieces.Count == 0 ? 0 : _pieces.Keys.Max() + 1;
    }

    /// <summary>One more than the largest id.</summary>
    internal int Size { get; }

    /// <summary>Ids by a part of a text, without making a string of it.</summary>
    internal Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> Lookup { get; }

    internal int? IdOf(string piece) => _ids.TryGetValue(piece, out var id) ? id : null;

    internal string? PieceOf(int id) => _pieces.GetValueOrDefault(id);
}

/// <summary>One token a piece: the piece itself or the unknown token.</summary>
internal sealed class WordLevelModel(Vocabulary vocabulary, int? unknown) : ITokenModel
{
    /// <exception cref="StudyException">The piece is not in the vocabulary, and there is no unknown token.</exception>
    public void Encode(string piece, List<int> output) => output.Add(vocabulary.IdOf(piece) ?? unknown
        ?? throw new StudyException($"the tokenizer has no token for '{piece}' and none for unknown words"));
}
