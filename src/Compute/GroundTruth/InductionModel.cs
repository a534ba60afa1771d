namespace InterpActors.Compute.GroundTruth;

/// <summary>
/// GT-IND: induction by hand. 0.0, the previous-token head: score 2β [key stands one before the query], token → <c>prev</c>. 1.0, the
/// induction head: 2β · (prev of the key agrees with the query's token) + β [key is BOS], γ · token → <c>out</c> (nothing for BOS), whose
/// entries are the logits.
/// </summary>
internal static class InductionModel
{
    public const int Vocabulary = 12;
    public const int Length = 17;

    private static readonly ResidualLayout Residual = new(("tok", Vocabulary), ("pos", Length), ("isBos", 1), ("const", 1),
        ("prev", Vocabulary), ("out", Vocabulary));

    public static HandBuiltModel Build(string name, double beta, double gamma)
    {
        const int width = Length;
        var previous = new HeadBuilder(Residual, width).Match(2 * beta, "pos", "pos", Length - 1, 1, 0).MoveBlock(1, "tok", "prev");
        var induction = new HeadBuilder(Residual, width)
            .Match(2 * beta, "tok", "prev", Vocabulary)
            .Compare(beta, Residual.At("const"), Residual.At("isBos"));
        for (var t = 1; t < Vocabulary; t++) induction.Move(gamma, Residual.At("tok", t), Residual.At("out", t));

        string[] pieces = ["<bos>", "<unk>", .. Enumerable.Range(0, Vocabulary - 2).Select(i => ((char)('a' + i)).ToString())];
        var embedding = new double[Vocabulary, Residual.Width];
        var unembedding = new double[Vocabulary, Residual.Width];
        for (var t = 0; t < Vocabulary; t++)
        {
            embedding[t, Residual.At("tok", t)] = 1;
            unembedding[t, Residual.At("out", t)] = 1;
        }
        embedding[0, Residual.At("isBos")] = 1;
        var positions = new double[Length, Residual.Width];
        for (var p = 0; p < Length; p++) positions[p, Residual.At("pos", p)] = positions[p, Residual.At("const")] = 1;
        return HandBuiltModel.Assemble(name, pieces, beta, gamma, width, [[previous], [induction]], embedding, positions, unembedding);
    }
}
