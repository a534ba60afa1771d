using InterpActors.Compute.Text;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Models;

/// <summary>One prompt as token ids.</summary>
/// <param name="Id">Its own, or its index in the file.</param>
public sealed record Prompt(string Id, int[] Tokens);

/// <summary>
/// Reads prompts for a model: JSON lines of <c>{"text":"…"}</c> or <c>{"tokens":[…]}</c>, each with an optional <c>"id"</c>.
/// </summary>
public static class PromptFile
{
    /// <param name="tokenizer">The model's; null where it has none, which only matters to prompts given as text.</param>
    /// <param name="prependBos">Puts the beginning-of-sequence token in front where the tokenizer's configuration does not.</param>
    /// <exception cref="StudyException">The file cannot be read, a line is not a prompt, two ids are the same,
    /// or the model cannot take a prompt.</exception>
    public static IReadOnlyList<Prompt> Read(string path, ModelConfig config, ITokenizer? tokenizer, bool prependBos = false)
    {
        var prompts = new List<Prompt>();
        var ids = new HashSet<string>(StringComparer.Ordinal);
        foreach (var line in PromptLines.Read(path))
        {
            var tokens = line.Tokens ?? Encode(line, tokenizer, prependBos);
            HookedTransformer.CheckPrompt(config, tokens, line.Place.ToString());
            if (!ids.Add(line.Id))
                throw new StudyException($"the id '{line.Id}' is taken", line.Place.ToString(), "give each prompt an id of its own");
            prompts.Add(new Prompt(line.Id, tokens));
        }
        return prompts.Count > 0 ? prompts : throw new StudyException("no prompts", path, "write one JSON object a line");
    }

    /// <summary>A line as token ids.</summary>
    internal static int[] Encode(PromptLine line, ITokenizer? tokenizer, bool prependBos)
    {
        if (tokenizer is null)
            throw new StudyException("the model has no tokenizer", line.Place.ToString(), "give token ids: {\"tokens\":[…]}");
        if (line.Messages is not null) return Tokenization.Of(tokenizer, line.Messages, line.AddGenerationPrompt).Tokens;
        var encoded = tokenizer.Encode(line.Text!);
        if (!prependBos) return encoded;
        var bos = tokenizer.BosId
            ?? throw new StudyException("the tokenizer has no beginning-of-sequence token", line.Place.ToString(),
                "leave --prepend-bos out");
        return encoded.Length > 0 && encoded[0] == bos ? encoded : [bos, .. encoded];
    }
}
