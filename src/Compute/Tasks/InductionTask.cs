using InterpActors.Compute.Statistics;
using InterpActors.Compute.Studies;

namespace InterpActors.Compute.Tasks;

/// <summary>
/// Induction on random tokens: <c>[BOS] s1 … sL s1 … s(L-1)</c>, all s different; the answer is sL, which followed s(L-1) before. In the
/// corrupted prompt s(L-1) has changed places with another token of the first half, so that something else followed it: the wrong
/// answer. Roles: previous = where s(L-1) first stood, first = where the answer first stood (one further), wrong = where the wrong answer
/// first stood, end.
/// </summary>
public sealed class InductionTask : ITaskKind
{
    public string Name => "induction";

    public string Summary =>
        "random tokens, repeated: s1 … sL s1 … s(L-1) -> sL; corrupted: s(L-1) and another token of the first half change places, so that "
        + "the wrong answer follows it; roles previous (s(L-1) in the first half), "
        + "first (the answer there), wrong (the wrong answer there), end";

    public IReadOnlyList<KeyHelp> Keys { get; } =
    [
        new("n", "64", "how many pairs"),
        new("length", "8", "L, the tokens of a half; a prompt has 2 L - 1 tokens and BOS where the model has one"),
        new("seed", "the study's", "draws the tokens"),
    ];

    /// <inheritdoc/>
    public TaskData Read(TaskRequest request)
    {
        var section = request.Section;
        var count = section.Int("n", 64, 1, 100_000);
        var length = section.Int("length", 8, 4, 100_000);
        var random = new SeededRandom(section.Long("seed", request.Seed));
        var tokenizer = request.Tokenizer;
        int[] bos = tokenizer?.BosId is { } b ? [b] : [];
        var total = bos.Length + 2 * length - 1;
        if (total > request.Config.ContextLength)
            throw section.Wrong("length", $"prompts of {total} tokens exceed the context of {request.Config.ContextLength}",
                $"at most {(request.Config.ContextLength + 1 - bos.Length) / 2}");
        var vocabulary = Enumerable.Range(0, Math.Min(request.Config.Vocabulary, tokenizer?.VocabularySize ?? int.MaxValue))
            .Where(t => tokenizer is null || !WordTokens.IsSpecial(tokenizer, t)).ToArray();
        if (vocabulary.Length < length)
            throw section.Wrong("length",
                $"{length} different tokens are needed and the model has {vocabulary.Length}");

        var pairs = Enumerable.Range(0, count).Select(i =>
        {
            var half = random.Sample(vocabulary, length);
            // Not the neighbour of s(L-1), so that the wrong answer keeps its place.
            var other = random.Next(length - 3);
            var exchanged = half.ToArray();
            (exchanged[other], exchanged[^2]) = (half[^2], half[other]);
            var previous = bos.Length + length - 2;
            var roles = new Dictionary<string, int[]>(StringComparer.Ordinal)
            {
                ["previous"] = [previous],
                ["first"] = [previous + 1],
                ["wrong"] = [bos.Length + other + 1],
                ["end"] = [total - 1],
            };
            return new PromptPair($"p{i}", null, [.. bos, .. half, .. half[..^1]], [.. bos, .. exchanged, .. half[..^1]], [half[^1]],
                [half[other + 1]], roles);
        });
        return new TaskData(Name, [.. pairs], []);
    }
}
