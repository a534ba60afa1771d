using InterpActors.Compute.Statistics;
using InterpActors.Compute.Tasks;
using InterpActors.Compute.Text;

namespace InterpActors.Compute.SmallModels;

/// <summary>
/// What tr-ioi is trained on: the IOI task's sentences, some after an opening sentence, and random tokens repeated. One in seven ordered
/// pairs of names (IO, S) never occurs in training and is kept for measuring.
/// </summary>
internal sealed class TrainingPrompts
{
    private const double InductionShare = 0.5;
    private const double ThreeNamesShare = 0.1;
    private const double OpeningShare = 0.25;

    // The other words of a sentence are learnt too, but hardly matter.
    private const float OtherWords = 0.01f;

    private static readonly string[] Openings = ["It was late.", "They had a long talk at the old house.", "The friends found it.",
        "Then they went to the old garden."];

    private readonly int[] _names, _places, _objects, _content;
    private readonly int[][] _openings;
    private readonly Pattern[] _patterns;

    private sealed record Pattern(string Name, int[] Tokens, int A, int B, int S, int P, int O);

    /// <param name="tokenizer">Knows every piece of <see cref="Pieces"/>.</param>
    public TrainingPrompts(ITokenizer tokenizer)
    {
        int[] Ids(IEnumerable<string> words) => [.. words.Select(w => tokenizer.Encode(w, addSpecialTokens: false).Single())];
        _names = Ids(IoiWords.Names);
        _places = Ids(IoiWords.Places);
        _objects = Ids(IoiWords.Objects);
        _content = [.. Enumerable.Range(2, tokenizer.VocabularySize - 2)];
        _openings = [.. Openings.Select(o => tokenizer.Encode(o, addSpecialTokens: false))];
        _patterns = [.. IoiWords.Templates.Select(t =>
        {
            var (n, p, o) = (IoiWords.Names, IoiWords.Places[^1], IoiWords.Objects[^1]);
            var tokens = tokenizer.Encode(t.Fill(n[0], n[1], n[2], p, o), addSpecialTokens: false);
            return new Pattern(t.Name, tokens, At(_names[0]), At(_names[1]), At(_names[2]), At(_places[^1]), At(_objects[^1]));
            int At(int token) => Array.IndexOf(tokens, token);
        })];
    }

    /// <summary>The vocabulary: BOS, unknown, names, places, objects, then the templates' words.</summary>
    public static string[] Pieces()
    {
        var words = IoiWords.Templates.Select(t => t.Fill("", "", "", "", "")).Concat(Openings)
            .SelectMany(t => System.Text.RegularExpressions.Regex.Matches(t, @"\w+|[^\w\s]+").Select(m => m.Value));
        string[] nouns = [.. IoiWords.Names, .. IoiWords.Places, .. IoiWords.Objects];
        return ["<bos>", "<unk>", .. nouns, .. words.Except(nouns).Order(StringComparer.Ordinal)];
    }

    public IReadOnlyList<string> Templates => [.. _patterns.Select(p => p.Name)];

    /// <summary>One training row: tokens, and the weight of predicting token i + 1 at i.</summary>
    public (int[] Tokens, float[] Weights) Draw(SeededRandom random)
    {
        if (random.NextDouble() < InductionShare) return Repeated(random);
        int io, subject;
        do (io, subject) = (random.Next(_names.Length), random.Next(_names.Length));
        while (io == subject || IsHeldOut(io, subject));
        var again = random.NextDouble() < ThreeNamesShare ? random.Next(_names.Length) : subject;
        var opening = random.NextDouble() < OpeningShare ? random.Pick(_openings) : [];
        int[] tokens = [0, .. opening, .. Sentence(random.Pick(_patterns), io, subject, again, random), _names[io]];
        var weights = new float[tokens.Length - 1];
        Array.Fill(weights, OtherWords);
        weights[^1] = 1;
        return (tokens, weights);
    }

    /// <summary>A prompt that training never showed, and its answer.</summary>
    public (int[] Prompt, int Answer) DrawHeldOut(SeededRandom random, int template)
    {
        int io, subject;
        do (io, subject) = (random.Next(_names.Length), random.Next(_names.Length));
        while (!IsHeldOut(io, subject) || io == subject);
        return ([0, .. Sentence(_patterns[template], io, subject, subject, random)], _names[io]);
    }

    /// <summary>BOS and a random sequence twice.</summary>
    public int[] DrawRepeated(SeededRandom random)
    {
        int[] half = [.. Enumerable.Range(0, 4 + random.Next(9)).Select(_ => random.Pick(_content))];
        return [0, .. half, .. half];
    }

    private (int[] Tokens, float[] Weights) Repeated(SeededRandom random)
    {
        var tokens = DrawRepeated(random);
        var half = tokens.Length / 2;
        var weights = new float[tokens.Length - 1];
        Array.Fill(weights, 1f / (half - 1), half + 1, half - 1);
        return (tokens, weights);
    }

    private int[] Sentence(Pattern pattern, int io, int subject, int again, SeededRandom random)
    {
        var tokens = pattern.Tokens.ToArray();
        var ioFirst = random.Next(2) == 0;
        tokens[pattern.A] = _names[ioFirst ? io : subject];
        tokens[pattern.B] = _names[ioFirst ? subject : io];
        tokens[pattern.S] = _names[again];
        var (place, thing) = (random.Pick(_places), random.Pick(_objects));
        if (pattern.P >= 0) tokens[pattern.P] = place;
        tokens[pattern.O] = thing;
        return tokens;
    }

    private static bool IsHeldOut(int io, int subject) => (3 * io + subject) % 7 == 0;
}
