using InterpActors.Compute.Text;

namespace InterpActors.Compute.Tasks;

/// <summary>Questions about words and tokens that every kind of tokenizer answers: byte-level, SentencePiece, word-level.</summary>
internal static class WordTokens
{
    // Stands in front of a text whose token in mid-sentence is asked for.
    private const string Context = "a";

    /// <summary>
    /// The one token that a text is when it continues another; null where it is none or several. Differs from the text's own token for
    /// tokenizers that put a space of their own in front of every text.
    /// </summary>
    public static int? Continuation(ITokenizer tokenizer, string text)
    {
        var context = tokenizer.Encode(Context, addSpecialTokens: false);
        var whole = tokenizer.Encode(Context + text, addSpecialTokens: false);
        // Where the context is an unknown word, it and the beginning of the text become one unknown token: the last token must be all of
        // the text.
        return whole.Length == context.Length + 1 && whole.AsSpan().StartsWith(context) && Same(tokenizer.Decode([whole[^1]]), text)
            ? whole[^1]
            : null;
    }

    /// <summary>The one token of a word in mid-sentence; null where it is several or unknown to the vocabulary.</summary>
    public static int? Word(ITokenizer tokenizer, string word)
    {
        var token = tokenizer.Encode(" " + word, addSpecialTokens: false) is [var one] ? one : Continuation(tokenizer, " " + word);
        return token is { } t && Same(tokenizer.Decode([t]), word) ? token : null;
    }

    /// <summary>False where the vocabulary lacks a part of the text, so that an unknown token stands for it.</summary>
    public static bool Knows(ITokenizer tokenizer, string text) =>
        Same(tokenizer.Decode(tokenizer.Encode(text, addSpecialTokens: false)), text);

    /// <summary>True for tokens such as &lt;bos&gt; that stand for no text.</summary>
    public static bool IsSpecial(ITokenizer tokenizer, int token) =>
        token == tokenizer.BosId || token == tokenizer.EosId || tokenizer.Decode([token], skipSpecialTokens: true).Length == 0;

    // Word-level tokenizers lose the spaces and some lose the case; neither makes a token unknown.
    private static bool Same(string a, string b) => string.Equals(Bare(a), Bare(b), StringComparison.OrdinalIgnoreCase);

    private static string Bare(string text) => string.Concat(text.Where(c => !char.IsWhiteSpace(c)));
}
