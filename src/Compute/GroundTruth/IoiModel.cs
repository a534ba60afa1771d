using InterpActors.Compute.Statistics;

namespace InterpActors.Compute.GroundTruth;

/// <summary>
/// GT-IOI: indirect object identification by hand, on <c>BOS f A f B f f C f END</c> (C = A or B; the answer is the other).
/// <list type="table">
/// <item><term>0.0</term><description>duplicate token: score 2β [same name] − 4β [same position] + β [key is BOS]; writes the position of
/// the key to <c>dupPos</c> and 1 to <c>dupFlag</c>, nothing for BOS</description></item>
/// <item><term>0.1</term><description>distractor: previous token, written to <c>junk</c>, which nothing reads</description></item>
/// <item><term>1.0</term><description>S-inhibition: 2β [query is END] · dupFlag of the key + β [key is BOS]; dupPos →
/// <c>inhib</c></description></item>
/// <item><term>2.0</term><description>name mover: 2β [key is a name] − 2β dupFlag of the key − 2β [position of the key = inhib of the
/// query]; writes γ · token to <c>out</c>, whose entries are the logits</description></item>
/// <item><term>1.1, 2.1</term><description>distractors: random, written to <c>junk</c></description></item>
/// </list>
/// GT-IOI+B adds a layer: 3.0, a backup name mover (2.0's score + [key is BOS] · 4β/γ · sum of the query's out block: it rests on BOS
/// where a name has been written already), and 3.1, a negative name mover (2.0's score, −γ/4 · token → out).
/// </summary>
internal static class IoiModel
{
    public const int Names = 20;
    public const int Fillers = 10;
    public const int Length = 10;

    private const int FirstName = 2;
    private const int End = FirstName + Names + Fillers;
    private const int Vocabulary = End + 1;
    private const int DistractorRank = 4;

    private static readonly ResidualLayout Residual = new(
        ("tok", Vocabulary), ("pos", Length), ("isName", 1), ("isEnd", 1), ("isBos", 1), ("const", 1), ("dupFlag", 1), ("dupPos", Length),
        ("inhib", Length), ("junk", Vocabulary), ("out", Vocabulary));

    public static HandBuiltModel Build(string name, bool backup, double beta, double gamma)
    {
        const int width = Vocabulary;
        var random = new SeededRandom(20);
        HeadBuilder Head() => new(Residual, width);
        HeadBuilder Distractor() => HeadBuilder.Distractor(Residual, width, DistractorRank, "junk", random);
        HeadBuilder NameMover(double strength) => Head()
            .Compare(2 * beta, Residual.At("const"), Residual.At("isName"))
            .Compare(-2 * beta, Residual.At("const"), Residual.At("dupFlag"))
            .Match(-2 * beta, "inhib", "pos", Length)
            .MoveBlock(strength, "tok", "out");

        var duplicate = Head()
            .Match(2 * beta, "tok", "tok", Names, FirstName, FirstName)
            .Match(-4 * beta, "pos", "pos", Length)
            .Compare(beta, Residual.At("const"), Residual.At("isBos"));
        for (var p = 1; p < Length; p++) duplicate.Move(1, Residual.At("pos", p), Residual.At("dupPos", p), Residual.At("dupFlag"));
        var previous = Head().Match(4 * beta, "pos", "pos", Length - 1, 1, 0).MoveBlock(1, "tok", "junk");
        var inhibition = Head()
            .Compare(2 * beta, Residual.At("isEnd"), Residual.At("dupFlag"))
            .Compare(beta, Residual.At("const"), Residual.At("isBos"))
            .MoveBlock(1, "dupPos", "inhib");
        List<HeadBuilder[]> layers = [[duplicate, previous], [inhibition, Distractor()], [NameMover(gamma), Distractor()]];
        if (backup)
        {
            var second = NameMover(gamma)
                .Compare(Enumerable.Range(0, Vocabulary).Select(i => (Residual.At("out", i), 4 * beta / gamma)), Residual.At("isBos"));
            layers.Add([second, NameMover(-gamma / 4)]);
        }

        string[] pieces =
        [
            "<bos>", "<unk>", .. Enumerable.Range(0, Names).Select(i => ((char)('A' + i)).ToString()),
            .. Enumerable.Range(0, Fillers).Select(i => $"f{i}"), "END",
        ];
        var embedding = new double[Vocabulary, Residual.Width];
        var unembedding = new double[Vocabulary, Residual.Width];
        for (var t = 0; t < Vocabulary; t++)
        {
            embedding[t, Residual.At("tok", t)] = 1;
            if (t is >= FirstName and < FirstName + Names) embedding[t, Residual.At("isName")] = 1;
            unembedding[t, Residual.At("out", t)] = 1;
        }
        embedding[0, Residual.At("isBos")] = 1;
        embedding[End, Residual.At("isEnd")] = 1;
        var positions = new double[Length, Residual.Width];
        for (var p = 0; p < Length; p++) positions[p, Residual.At("pos", p)] = positions[p, Residual.At("const")] = 1;
        return HandBuiltModel.Assemble(name, pieces, beta, gamma, width, [.. layers], embedding, positions, unembedding);
    }
}
