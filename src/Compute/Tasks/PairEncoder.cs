using InterpActors.Compute.Models;
using InterpActors.Compute.Text;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Tasks;

/// <summary>Turns raw pairs into token ids and refuses what could not be a prompt of this model.</summary>
/// <param name="prependBos">Puts the beginning-of-sequence token in front where the tokenizer's own configuration does not.</param>
internal sealed class PairEncoder(ITokenizer? tokenizer, ModelConfig config, bool prependBos)
{
    // No vocabulary has tokens this long; a longer text cannot fit the context and is not worth tokenising.
    private const int MaxCharactersPerToken = 256;

    private readonly Dictionary<string, string> _ids = new(StringComparer.Ordinal);

    /// <param name="index">Its number from 0; names it where the file does not.</param>
    /// <exception cref="StudyException">Names the line and what is wrong there.</exception>
    public PromptPair Encode(RawPair raw, int index)
    {
        var place = raw.Place.ToString();
        var id = raw.Id ?? $"p{index}";
        if (!_ids.TryAdd(id, place)) throw new StudyException($"the id '{id}' is used twice", place, $"also at {_ids[id]}");
        var (clean, bosInFront) = Prompt(raw.Clean, "clean", place);
        var corrupted = raw.Corrupted is null ? null : Prompt(raw.Corrupted, "corrupt", place).Tokens;
        if (corrupted is not null && corrupted.Length != clean.Length)
            throw new StudyException($"the clean prompt has {clean.Length} tokens and the corrupted one {corrupted.Length}", place,
                "a pair must have one length");
        if (raw.Answers.Count == 0) throw new StudyException("there is no answer", place, "give \"answers\"");
        var shift = bosInFront && !raw.RolesCountBos ? 1 : 0;
        return new PromptPair(id, raw.Group, clean, corrupted, Answers(raw.Answers, "answer", place),
            Answers(raw.Wrong, "wrong answer", place),
            raw.Roles.ToDictionary(r => r.Key, r => Positions(r.Key, r.Value, shift, clean.Length, place), StringComparer.Ordinal));
    }

    private (int[] Tokens, bool BosInFront) Prompt(RawTokens raw, string field, string place)
    {
        int[] tokens;
        var bosInFront = false;
        if (raw.Ids is { } ids)
        {
            foreach (var token in ids) Check(token, $"\"{field}\"", place);
            tokens = ids;
        }
        else
        {
            var text = raw.Text!;
            if (text.Length > (long)config.ContextLength * MaxCharactersPerToken || text.Length > PairFiles.MaxLineBytes)
                throw new StudyException(
                    $"\"{field}\" has {text.Length} characters; the model's context is {config.ContextLength} tokens", place);
            tokens = Tokenizer(place).Encode(text);
            foreach (var token in tokens) Check(token, $"\"{field}\"", place);
            bosInFront = tokens.Length > 0 && tokens[0] == tokenizer!.BosId
                && !tokens.AsSpan().SequenceEqual(tokenizer.Encode(text, addSpecialTokens: false));
        }
        if (prependBos)
        {
            var bos = tokenizer?.BosId ??
                throw new StudyException("the model has no beginning-of-sequence token", place, "leave out prepend_bos");
            if (tokens.Length == 0 || tokens[0] != bos) (tokens, bosInFront) = ([bos, .. tokens], true);
        }
        if (tokens.Length == 0) throw new StudyException($"\"{field}\" has no tokens", place);
        if (tokens.Length > config.ContextLength)
            throw new StudyException($"\"{field}\" has {tokens.Length} tokens; the model's context is {config.ContextLength}", place);
        return (tokens, bosInFront);
    }

    private int[] Answers(IReadOnlyList<RawTokens> answers, string what, string place)
    {
        var ids = new int[answers.Count];
        for (var i = 0; i < ids.Length; i++)
        {
            if (answers[i].Ids is [var id])
            {
                ids[i] = Check(id, $"the {what}", place);
                continue;
            }
            var text = answers[i].Text!;
            if (text.Length > MaxCharactersPerToken)
                throw new StudyException($"the {what} has {text.Length} characters and is not one token", place);
            var pieces = Tokenizer(place).Encode(text, addSpecialTokens: false);
            if ((pieces is [var one] ? one : WordTokens.Continuation(tokenizer!, text)) is not { } token)
            {
                var named = string.Join(", ", pieces.Take(12).Select(p => $"'{tokenizer!.Piece(p)}'"));
                throw new StudyException($"the {what} '{text}' is {pieces.Length} tokens ({named})", place,
                    "an answer must be one token; is a space in front missing or too many?");
            }
            if (tokenizer!.Decode([token]) != text && WordTokens.IsSpecial(tokenizer, token))
                throw new StudyException($"the {what} '{text}' is not in the model's vocabulary ('{tokenizer.Piece(token)}')", place);
            ids[i] = Check(token, $"the {what}", place);
        }
        return ids;
    }

    private int Check(int token, string what, string place) => token >= 0 && token < config.Vocabulary
        ? token
        : throw new StudyException($"{what} holds the token id {token}, outside the vocabulary of {config.Vocabulary}", place);

    private ITokenizer Tokenizer(string place) =>
        tokenizer ?? throw new StudyException("the model has no tokenizer", place, "give prompts and answers as token ids");

    private static int[] Positions(string role, int[] positions, int shift, int length, string place)
    {
        var resolved = new SortedSet<int>();
        foreach (var position in positions)
        {
            var at = position < 0 ? position + length : position + (long)shift;
            if (at < 0 || at >= length)
                throw new StudyException($"role '{role}' is at {position} of a prompt with {length} tokens", place,
                    $"{-length} to {length - 1 - shift}");
            resolved.Add((int)at);
        }
        return [.. resolved];
    }
}
