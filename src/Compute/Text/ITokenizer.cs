namespace InterpActors.Compute.Text;

/// <summary>Text to token ids and back, exactly as the model's own tokenizer does it. Thread-safe.</summary>
public interface ITokenizer
{
    /// <summary>Number of ids, added tokens included.</summary>
    int VocabularySize { get; }

    /// <summary>The id of the beginning-of-sequence token; null where there is none.</summary>
    int? BosId { get; }

    /// <summary>The id that ends a generated text; null where there is none.</summary>
    int? EosId { get; }

    /// <summary>Ids of tokens that are no text: beginning and end, and what marks turns in a chat.</summary>
    IReadOnlyCollection<int> SpecialIds => [.. new[] { BosId, EosId }.OfType<int>().Distinct()];

    /// <summary>Token ids. Special tokens written in the text are recognised.</summary>
    /// <param name="addSpecialTokens">Also adds what the tokenizer's own configuration adds (post-processor, add_bos_token).</param>
    int[] Encode(string text, bool addSpecialTokens = true);

    /// <summary>The text of a run of tokens.</summary>
    string Decode(ReadOnlySpan<int> tokens, bool skipSpecialTokens = false);

    /// <summary>The vocabulary's own spelling of a token, e.g. <c>ĠMary</c> or <c>▁Mary</c>.</summary>
    string Piece(int token);

    /// <summary>Renders a conversation with the model's chat template.</summary>
    /// <exception cref="Messages.Studies.StudyException">The model has no chat template,
    /// or one of a kind that is not supported.</exception>
    string ApplyChatTemplate(IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt);
}

/// <summary>One turn of a conversation.</summary>
public sealed record ChatMessage(string Role, string Content);
