using InterpActors.Compute.Studies;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Dictionaries.Data;

/// <summary>
/// The tokens of a <c>data</c> section of kind <c>model</c>, <c>tokens</c> or <c>chat</c>: sequences in the order in which they are run,
/// and which of their positions count.
/// </summary>
/// <param name="Special">Ids of tokens that are no text; the error on them is reported on its own.</param>
/// <param name="PerBatch">Sequences that are run together; null where the reader of the data decides.</param>
/// <param name="IsChat">True where the special-token table makes sense.</param>
public sealed record TokenData(TokenSequences Sequences, KeptTokens Kept, IReadOnlySet<int> Special, int? PerBatch, bool IsChat)
    : IDisposable
{
    /// <summary>Reads the keys of the kind, which is known.</summary>
    /// <exception cref="StudyException">The file cannot be read, is empty, or does not fit the model.</exception>
    public static TokenData Read(StudySection data, string kind, StudyContext study)
    {
        var isChat = kind == DataKinds.Chat;
        var sequences = isChat ? ChatSequences.Read(data, study) : SequenceReader.Read(data, kind == DataKinds.Model ? "tokens" : "file",
            study);
        try
        {
            var kept = KeptTokens.Read(data, study.Tokenizer, study.Model.Config.Vocabulary);
            if (!isChat) return new TokenData(sequences, kept, new HashSet<int>(), null, false);
            return new TokenData(sequences, kept, ReadSpecial(data, study), data.Int("per_batch", 8, 1), true);
        }
        catch
        {
            sequences.Dispose();
            throw;
        }
    }

    public void Dispose() => Sequences.Dispose();

    private static IReadOnlySet<int> ReadSpecial(StudySection data, StudyContext study)
    {
        if (data.Texts("special_tokens", ["default"]) is not ["default"])
            return data.Ints("special_tokens", 0, study.Model.Config.Vocabulary - 1)!.ToHashSet();
        return study.Tokenizer?.SpecialIds.ToHashSet() ?? [];
    }
}

/// <summary>The kinds of a <c>data</c> section.</summary>
public static class DataKinds
{
    public const string Activations = "activations";
    public const string Model = "model";
    public const string Chat = "chat";
    public const string Tokens = "tokens";

    public const string Planted = "planted";

    public static IReadOnlyList<string> All { get; } = [Activations, Model, Chat, Planted, Tokens];
}
