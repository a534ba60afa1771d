using InterpActors.Compute.Studies;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Dictionaries.Data;

/// <summary>
/// Conversations as sequences. Alone (<c>none</c>): one a sequence, so that no token sees another conversation (FAST). <c>blocks</c>:
/// joined with the end-of-sequence token and cut at the context, as is usual in pre-training, so that conversations see and cut each other.
/// <c>blocks-masked</c>: whole conversations in blocks whose tokens attend inside their own conversation only, from position 0: the
/// activations of <c>none</c> in the blocks' order, and computed as such.
/// </summary>
internal static class ChatSequences
{
    public const string Alone = "none";
    public const string Blocks = "blocks";
    public const string BlocksMasked = "blocks-masked";

    public static IReadOnlyList<string> Packings { get; } = [Alone, Blocks, BlocksMasked];

    /// <exception cref="StudyException">There is no conversation, or blocks need an end-of-sequence token that nobody names.</exception>
    public static TokenSequences Read(StudySection data, StudyContext study)
    {
        var name = data.Text("file");
        FileHash.Pin(data, "sha256", name, study.Folder, "file");
        var path = study.Folder.PathOf(name);
        var context = data.Int("context", study.Model.Config.ContextLength, 1, study.Model.Config.ContextLength);
        var packing = data.OneOf("packing", Packings, Alone);
        var conversations = SequenceReader.Conversations(path, study).ToList();
        if (conversations.Count == 0) throw new StudyException("the file holds no conversations", path,
            "write {\"messages\":[…]} or {\"tokens\":[…]} on each line");
        if (packing != Blocks && data.Has("end_of_sequence")) throw data.Wrong("end_of_sequence", "goes with packing = blocks");
        return new ListedSequences(packing switch
        {
            Blocks => [.. Joined(conversations, context, EndOfSequence(data, study))],
            BlocksMasked => [.. conversations.Select((c, i) => Cut(c, i, context))],
            _ => [.. conversations.Select((c, i) => Cut(c, i, context)).OrderBy(s => s.Tokens.Length).ThenBy(s => s.Conversations[0])],
        });
    }

    private static int EndOfSequence(StudySection data, StudyContext study)
    {
        if (!data.Has("end_of_sequence") && study.Tokenizer?.EosId is { } known) return data.Int("end_of_sequence", known);
        if (!data.Has("end_of_sequence"))
            throw new StudyException("the model has no end-of-sequence token to join conversations with", data.Place.ToString(),
                "give its id: end_of_sequence = ID");
        return data.Int("end_of_sequence", null, 0, study.Model.Config.Vocabulary - 1);
    }

    private static TokenSequence Cut(int[] tokens, int conversation, int context) =>
        TokenSequence.Whole(tokens.Length > context ? tokens[..context] : tokens, conversation);

    /// <summary>A separator counts to the conversation it ends; what does not fill the last block is dropped.</summary>
    private static IEnumerable<TokenSequence> Joined(List<int[]> conversations, int context, int separator)
    {
        var (tokens, of, at) = (new List<int>(), new List<int>(), new List<int>());
        for (var c = 0; c < conversations.Count; c++)
        {
            tokens.AddRange(conversations[c]);
            tokens.Add(separator);
            of.AddRange(Enumerable.Repeat(c, conversations[c].Length + 1));
            at.AddRange(Enumerable.Range(0, conversations[c].Length + 1));
        }
        for (var first = 0; first + context <= tokens.Count; first += context)
            yield return new TokenSequence([.. tokens.GetRange(first, context)], [.. of.GetRange(first, context)],
                [.. at.GetRange(first, context)]);
    }
}
