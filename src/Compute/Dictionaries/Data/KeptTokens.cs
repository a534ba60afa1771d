using System.Globalization;
using InterpActors.Compute.Text;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Dictionaries.Data;

/// <summary>Which positions of a sequence a dictionary sees.</summary>
/// <param name="Excluded">Token ids that are left out.</param>
/// <param name="First">So many positions at the start of every sequence are left out (attention sinks).</param>
public sealed record KeptTokens(IReadOnlySet<int> Excluded, int First)
{
    /// <summary>Reads <c>exclude_tokens</c> (ids, or the words <c>special</c>, <c>bos</c>, <c>eos</c>) and <c>exclude_first</c>.</summary>
    public static KeptTokens Read(StudySection data, ITokenizer? tokenizer, int vocabulary)
    {
        var excluded = new SortedSet<int>();
        foreach (var word in data.Texts("exclude_tokens", []) ?? [])
        {
            if (int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
            {
                if (id >= vocabulary) throw data.Wrong("exclude_tokens",
                    $"{id} is not in the vocabulary, whose ids end at {vocabulary - 1}");
                excluded.Add(id);
                continue;
            }
            if (word is not ("special" or "bos" or "eos"))
                throw data.Wrong("exclude_tokens", $"'{word}' is no token id", "give ids, or special, bos, eos");
            if (tokenizer is null) throw data.Wrong("exclude_tokens", $"the model has no tokenizer that would know what '{word}' is",
                "give token ids");
            int?[] ids = word switch { "bos" => [tokenizer.BosId], "eos" => [tokenizer.EosId], _ => [.. tokenizer.SpecialIds] };
            if (ids.Contains(null)) throw data.Wrong("exclude_tokens", $"the tokenizer has no {word} token", "give token ids");
            excluded.UnionWith(ids.OfType<int>());
        }
        return new KeptTokens(excluded, data.Int("exclude_first", 0, 0));
    }

    /// <summary>True where a position is kept.</summary>
    public bool Keeps(TokenSequence sequence, int position) => position >= First && !Excluded.Contains(sequence.Tokens[position]);

    /// <summary>The kept positions of a sequence, ascending.</summary>
    public int[] Of(TokenSequence sequence) => [.. Enumerable.Range(0, sequence.Tokens.Length).Where(p => Keeps(sequence, p))];
}
