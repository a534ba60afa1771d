using InterpActors.Compute.Statistics;

namespace InterpActors.Compute.Tasks;

/// <summary>
/// Induction on random tokens: <c>[BOS] s1 … sL s1 … s(L-1)</c>, all s different; the answer is sL, which followed s(L-1) before. In the
/// corrupted prompt the first half is shuffled so that another token follows s(L-1) there: that one is the wrong answer.
/// Roles: previous = where s(L-1) first stood, first = where the answer first stood (one further), end.
/// </summary>
public sealed class InductionTask : ITaskKind
{
    public string Name => "induction";

    public string Summary =>
        "random tokens, repeated: s1 … sL s1 … s(L-1) -> sL; corrupted: the first half shuffled so that another token (the wrong answer) "
        + "follows s(L-1); roles previous (s(L-1) in the first half), first (the answer there), end";

    public IReadOnlyList<TaskKey> Keys { get; } =
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
        var length = section.Int("length", 8, 3, 100_000);
        var random = new SeededRandom(section.Long("seed", request.Seed));
        var tokenizer = request.Tokenizer;
        int[] bos = tokenizer?.BosId is { } b ? [b] : [];
        var total = bos.Length + 2 * length - 1;
        if (total > request.Config.ContextLength)
            throw section.Wrong("length", $"prompts of {total} tokens exceed the context of {request.Config.ContextLength}",
                $"at most {(request.Config.ContextLength + 1 - bos.Length) / 2}");
        var vocabulary = Enumerable.Range(0, Math.Min(request.Config.Vocabulary, tokenizer?.VocabularySize ?? int.MaxValue))
            .Where(t => tokenizer is null || !TokenText.IsSpecial(tokenizer, t)).ToArray();
        if (vocabulary.Length < length)
            throw section.Wrong("length",
                $"{length} different tokens are needed and the model has {vocabulary.Length}");

        var pairs = Enumerable.Range(0, count).Select(i =>
        {
            var half = random.Sample(vocabulary, length);
            var shuffled = Shuffle(random, half);
            var wrong = shuffled[Array.IndexOf(shuffled, half[^2]) + 1];
            var (previous, end) = (bos.Length + length - 2, total - 1);
            var roles = new Dictionary<string, int[]>(StringComparer.Ordinal)
            {
                ["previous"] = [previous], ["first"] = [previous + 1], ["end"] = [end],
            };
            return new PromptPair($"p{i}", null, [.. bos, .. half, .. half[..^1]], [.. bos, .. shuffled, .. half[..^1]], [half[^1]],
                [wrong], roles);
        });
        return new TaskData(Name, [.. pairs], []);
    }

    // An order in which the last but one token is followed by a token of the half, and not by the answer.
    private static int[] Shuffle(SeededRandom random, int[] half)
    {
        while (true)
        {
            var order = random.Sample(half, half.Length);
            var at = Array.IndexOf(order, half[^2]);
            if (at < half.Length - 1 && order[at + 1] != half[^1]) return order;
        }
    }
}
