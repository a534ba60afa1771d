using System.Text;
using InterpActors.Compute.Text.Chat;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Text;

/// <summary>The parts of a tokenizer.</summary>
/// <param name="Decoder">Null joins the pieces with spaces.</param>
/// <param name="Template">What surrounds the text when special tokens are added: ids, and null for the text's own tokens.</param>
/// <param name="Source">The file it came from, for messages.</param>
internal sealed record TokenizerParts(
    Vocabulary Vocabulary, ITokenModel Model, IReadOnlyList<AddedToken> AddedTokens, INormalizer? Normalizer, IPreTokenizer? PreTokenizer,
    IDecoder? Decoder, IReadOnlyList<int?> Template, int? BosId, int? EosId, string? ChatTemplate, string Source);

/// <summary>
/// A tokenizer as a row of steps: added tokens are found in the raw text; the stretches between them are normalized, searched for added
/// tokens that are normalized themselves, cut into pieces, and each piece goes through the model; a template adds special tokens.
/// </summary>
internal sealed class PipelineTokenizer : ITokenizer
{
    private readonly TokenizerParts _parts;
    private readonly AddedTokenFinder _raw;
    private readonly AddedTokenFinder _normalized;
    private readonly HashSet<string> _special;
    private readonly Dictionary<int, string> _added = [];
    private readonly Lazy<ChatTemplate> _chat;

    internal PipelineTokenizer(TokenizerParts parts)
    {
        _parts = parts;
        _raw = new AddedTokenFinder(parts.AddedTokens.Where(t => !t.Normalized).Select(t => (t.Content, t)));
        _normalized = new AddedTokenFinder(parts.AddedTokens.Where(t => t.Normalized)
            .Select(t => (parts.Normalizer?.Normalize(t.Content) ?? t.Content, t)));
        _special = parts.AddedTokens.Where(t => t.Special).Select(t => t.Content).ToHashSet(StringComparer.Ordinal);
        foreach (var token in parts.AddedTokens) _added[token.Id] = token.Content;
        VocabularySize = Math.Max(parts.Vocabulary.Size, _added.Count == 0 ? 0 : _added.Keys.Max() + 1);
        _chat = new Lazy<ChatTemplate>(() => ChatTemplate.Parse(parts.ChatTemplate
            ?? throw new StudyException("the model has no chat template", parts.Source, "write the prompt as plain text"), parts.Source));
    }

    public int VocabularySize { get; }

    public int? BosId => _parts.BosId;

    public int? EosId => _parts.EosId;

    public IReadOnlyCollection<int> SpecialIds =>
        [.. _parts.AddedTokens.Where(t => t.Special).Select(t => t.Id).Concat(new[] { BosId, EosId }.OfType<int>()).Distinct().Order()];

    public int[] Encode(string text, bool addSpecialTokens = true)
    {
        var tokens = new List<int>();
        if (!addSpecialTokens)
        {
            AppendText(text, tokens);
            return [.. tokens];
        }
        foreach (var id in _parts.Template)
        {
            if (id is null) AppendText(text, tokens);
            else tokens.Add(id.Value);
        }
        return [.. tokens];
    }

    public string Decode(ReadOnlySpan<int> tokens, bool skipSpecialTokens = false)
    {
        var pieces = new List<string>(tokens.Length);
        foreach (var token in tokens)
        {
            var piece = PieceOrNull(token);
            if (piece is not null && !(skipSpecialTokens && _special.Contains(piece))) pieces.Add(piece);
        }
        return _parts.Decoder is null ? string.Join(' ', pieces) : string.Concat(_parts.Decoder.Decode(pieces));
    }

    /// <summary>Ids without a spelling (padding up to the model's width) read as their number in brackets.</summary>
    public string Piece(int token) => PieceOrNull(token) ?? $"[{token}]";

    public string ApplyChatTemplate(IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt) =>
        _chat.Value.Render(messages, addGenerationPrompt, Spelling(BosId), Spelling(EosId));

    private string Spelling(int? token) => token is null ? "" : PieceOrNull(token.Value) ?? "";

    private string? PieceOrNull(int token) => _added.TryGetValue(token, out var content) ? content : _parts.Vocabulary.PieceOf(token);

    private void AppendText(string text, List<int> output)
    {
        var segments = new List<TextSegment>();
        _raw.Split(new TextPiece(WithoutLoneSurrogates(text), true), segments);
        foreach (var segment in segments)
        {
            if (segment.Id is { } id) output.Add(id);
            else AppendStretch(segment.Piece, output);
        }
    }

    private void AppendStretch(TextPiece stretch, List<int> output)
    {
        if (_parts.Normalizer is not null) stretch = stretch with { Text = _parts.Normalizer.Normalize(stretch.Text) };
        var segments = new List<TextSegment>();
        _normalized.Split(stretch, segments);
        var pieces = new List<TextPiece>();
        foreach (var segment in segments)
        {
            if (segment.Id is { } id)
            {
                output.Add(id);
                continue;
            }
            pieces.Clear();
            if (_parts.PreTokenizer is null) pieces.Add(segment.Piece);
            else _parts.PreTokenizer.Split(segment.Piece, pieces);
            foreach (var piece in pieces) if (piece.Text.Length > 0) _parts.Model.Encode(piece.Text, output);
        }
    }

    /// <summary>Half a surrogate pair is no character; it reads as U+FFFD.</summary>
    private static string WithoutLoneSurrogates(string text)
    {
        if (text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') < 0) return text;
        var whole = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes()) whole.Append(rune.ToString());
        return whole.ToString();
    }
}
