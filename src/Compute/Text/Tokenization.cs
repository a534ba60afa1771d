using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace InterpActors.Compute.Text;

/// <summary>A text and what the tokenizer makes of it.</summary>
/// <param name="Text">As given; for a conversation, as the chat template writes it.</param>
/// <param name="Tokens">[pos]</param>
/// <param name="Pieces">[pos], in the vocabulary's own spelling.</param>
public sealed record Tokenization(
    [property: JsonPropertyName("text")] string Text,
    [property: JsonPropertyName("tokens")] int[] Tokens,
    [property: JsonPropertyName("pieces")] string[] Pieces)
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Tokens of a plain text, with what the tokenizer's own configuration adds.</summary>
    public static Tokenization Of(ITokenizer tokenizer, string text) => From(tokenizer, text, tokenizer.Encode(text));

    /// <summary>Tokens of a conversation. The template writes its special tokens itself, so none are added.</summary>
    public static Tokenization Of(ITokenizer tokenizer, IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt = true)
    {
        var text = tokenizer.ApplyChatTemplate(messages, addGenerationPrompt);
        return From(tokenizer, text, tokenizer.Encode(text, addSpecialTokens: false));
    }

    /// <summary>One line: <c>{"text":…,"tokens":[…],"pieces":[…]}</c>.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Plain);

    private static Tokenization From(ITokenizer tokenizer, string text, int[] tokens) =>
        new(text, tokens, [.. tokens.Select(tokenizer.Piece)]);
}
