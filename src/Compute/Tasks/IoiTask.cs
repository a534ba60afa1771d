using InterpActors.Compute.Statistics;
using InterpActors.Compute.Studies;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Tasks;

/// <summary>
/// Indirect object identification (Wang et al. 2022): two names, one of them (S) repeated; the answer is the other one (IO), the wrong
/// answer is S. Roles: IO, S1, S1+1, S2, end; a prompt's group is its template.
/// </summary>
public sealed class IoiTask : ITaskKind
{
    private static readonly string[] Orders = ["mixed", "abba", "baba"];

    /// <summary>What the corrupted prompt changes.</summary>
    internal static IReadOnlyList<string> Corruptions { get; } = ["s2-io-flip", "abc", "swap"];

    public string Name => "ioi";

    public string Summary =>
        "two names, one repeated (S), the answer is the other (IO): \"When Mary and John went to the store, John gave a drink to\" "
        + "-> Mary; roles IO, S1, S1+1, S2, end; groups are templates; words that are not one token of the model are left out";

    public IReadOnlyList<KeyHelp> Keys { get; } =
    [
        new("n", "64", "how many pairs"),
        new("seed", "the study's", "draws names, places and objects"),
        new("templates", "mixed", "order of the names: abba (IO first), baba (S first), mixed (in turn); and names of templates, or all; "
            + "without names, the family whose names stand at the same positions"),
        new("corruption", "s2-io-flip", "s2-io-flip: S2 becomes IO; abc: three fresh names; swap: the first two names change places"),
        new("names", "a list of our own", "draw from these names"),
        new("format", "auto", "words, or symbols: BOS f A f B f f C f END of the hand-built models; auto looks at the model"),
    ];

    /// <inheritdoc/>
    public TaskData Read(TaskRequest request)
    {
        var section = request.Section;
        var count = section.Int("n", 64, 1, 100_000);
        var random = new SeededRandom(section.Long("seed", request.Seed));
        var corruption = section.OneOf("corruption", Corruptions, Corruptions[0]);
        var format = section.OneOf("format", ["auto", "words", "symbols"], "auto");
        var tokenizer = request.NeedTokenizer();
        var symbols = format == "symbols" || (format == "auto" && request.Config.Family == "attention-only");
        var (order, templates) = Templates(section, symbols);
        var (prompts, notes) = symbols
            ? IoiSymbols.Write(request, tokenizer, section.Texts("names"), corruption)
            : IoiSentences.Write(request, tokenizer, section.Texts("names", IoiWords.Names)!, templates, corruption);
        var pairs = new List<PromptPair>(count);
        var dropped = new List<DroppedPrompt>();
        for (var i = 0; i < count; i++)
        {
            // With an even number of templates, taken in turn, the order changes after each round too, so that every template meets both.
            var turn = prompts.Templates % 2 == 0 ? i + i / prompts.Templates : i;
            var subjectFirst = order switch { "abba" => false, "baba" => true, _ => turn % 2 == 1 };
            if (prompts.Next(random, i, subjectFirst) is { } pair) pairs.Add(pair);
            else dropped.Add(new DroppedPrompt($"p{i}", "its names are not one token each in this sentence"));
        }
        if (pairs.Count == 0)
            throw section.Wrong("kind", "the model's tokenizer leaves no IOI prompt",
                "use kind = pairs with prompts of your own");
        return new TaskData(Name, pairs, dropped) { Notes = notes };
    }

    private static (string Order, IReadOnlyList<string>? Names) Templates(StudySection section, bool symbols)
    {
        var words = section.Texts("templates", ["mixed"])!;
        IReadOnlyList<string> names = [.. words.Except(Orders)];
        string[] known = [.. Orders, "all", .. IoiWords.Templates.Select(t => t.Name)];
        if (names.FirstOrDefault(n => symbols || !known.Contains(n)) is { } wrong)
            throw section.Wrong("templates", $"'{wrong}' is not known", StudySection.Nearest(wrong, symbols ? Orders : known));
        var orders = words.Intersect(Orders).ToArray();
        var order = orders is [var one] ? one : "mixed";
        return (order, names.Count == 0 ? null : names);
    }
}

/// <summary>Writes IOI prompts one by one.</summary>
/// <param name="Templates">How many templates are taken in turn.</param>
/// <param name="Next">The pair of a number; null where it cannot be used. Draws the same amount of randomness whatever it returns.</param>
internal sealed record IoiWriter(int Templates, Func<SeededRandom, int, bool, PromptPair?> Next)
{
    /// <summary>The names of the corrupted prompt in the order of the sentence: first, second, repeated.</summary>
    public static (T First, T Second, T Repeated) Corrupt<T>(string corruption, T first, T second, T io, T subject, T[] fresh) =>
        corruption switch
        {
            "abc" => (fresh[0], fresh[1], fresh[2]),
            "swap" => (second, first, subject),
            _ => (first, second, io),
        };

    /// <summary>IO, S1, S1+1, S2 and end of a prompt; null where the names don't occur once and twice.</summary>
    public static Dictionary<string, int[]>? Roles(int[] tokens, int io, int subject)
    {
        int[] Places(int token) => [.. Enumerable.Range(0, tokens.Length).Where(i => tokens[i] == token)];
        if (Places(io) is not [var first] || Places(subject) is not [var s1, var s2]) return null;
        return new(StringComparer.Ordinal)
        {
            ["IO"] = [first],
            ["S1"] = [s1],
            ["S1+1"] = [s1 + 1],
            ["S2"] = [s2],
            ["end"] = [tokens.Length - 1]
        };
    }
}
