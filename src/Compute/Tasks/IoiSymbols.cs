using System.Text.RegularExpressions;
using InterpActors.Compute.Statistics;
using InterpActors.Compute.Text;

namespace InterpActors.Compute.Tasks;

/// <summary>
/// IOI prompts of the hand-built models: <c>BOS f A f B f f C f END</c>, where names are capital letters and fillers <c>f0, f1, …</c>;
/// C = A or B, the answer is the other.
/// </summary>
internal static partial class IoiSymbols
{
    /// <summary>The last token of a prompt.</summary>
    public const string End = "END";

    /// <exception cref="Messages.Studies.StudyException">The vocabulary is not one of a hand-built IOI model.</exception>
    public static (IoiWriter Writer, IReadOnlyList<string> Notes) Write(TaskRequest request, ITokenizer tokenizer,
        IReadOnlyList<string>? nameList, string corruption)
    {
        var section = request.Section;
        var pieces = Enumerable.Range(0, Math.Min(tokenizer.VocabularySize, request.Config.Vocabulary))
            .Select(i => (Piece: tokenizer.Piece(i), Token: i)).ToArray();
        var names = pieces.Where(p => NamePiece().IsMatch(p.Piece) && (nameList is null || nameList.Contains(p.Piece)))
            .Select(p => p.Token).ToArray();
        var fillers = pieces.Where(p => FillerPiece().IsMatch(p.Piece)).Select(p => p.Token).ToArray();
        var end = pieces.FirstOrDefault(p => p.Piece == End, (Piece: End, Token: -1)).Token;
        var needed = corruption == "abc" ? 5 : 3;
        if (tokenizer.BosId is not { } bos || end < 0 || fillers.Length == 0 || names.Length < needed || request.Config.ContextLength < 10)
            throw section.Wrong("format", $"symbols need a vocabulary with BOS, END, fillers f0 … and at least {needed} names A, B, …",
                "write format = words");
        return (new IoiWriter(1, Next), []);

        PromptPair Next(SeededRandom random, int i, bool subjectFirst)
        {
            var drawn = random.Sample(names, needed);
            int[] f = [.. Enumerable.Range(0, 5).Select(_ => random.Pick(fillers))];
            var (io, subject) = (drawn[0], drawn[1]);
            var (first, second) = subjectFirst ? (subject, io) : (io, subject);
            var other = IoiWriter.Corrupt(corruption, first, second, io, subject, drawn[2..]);
            int[] Prompt(int a, int b, int c) => [bos, f[0], a, f[1], b, f[2], f[3], c, f[4], end];
            var clean = Prompt(first, second, subject);
            return new PromptPair($"p{i}", "symbols", clean, Prompt(other.First, other.Second, other.Repeated), [io], [subject],
                IoiWriter.Roles(clean, io, subject)!);
        }
    }

    [GeneratedRegex("^[A-Z]$")]
    private static partial Regex NamePiece();

    [GeneratedRegex("^f[0-9]+$")]
    private static partial Regex FillerPiece();
}
