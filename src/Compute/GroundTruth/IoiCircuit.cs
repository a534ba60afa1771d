namespace InterpActors.Compute.GroundTruth;

/// <summary>
/// What GT-IOI and GT-IOI+B compute, from the rules of their heads in plain arithmetic, without the model's matrices: the truth that a
/// study of these models must find. Which tokens the names and fillers are does not matter; which name comes first does.
/// </summary>
/// <param name="backup">GT-IOI+B.</param>
public sealed class IoiCircuit(double beta, double gamma, bool backup)
{
    private const int A = 2, B = 4, C = 7, End = IoiModel.Length - 1;

    /// <summary>Names of the heads whose removal or restoration has an effect, <c>layer.head</c>.</summary>
    public IReadOnlyList<string> Heads { get; } = backup ? ["0.0", "1.0", "2.0", "3.0", "3.1"] : ["0.0", "1.0", "2.0"];

    /// <summary>Names of the heads that have no effect at all.</summary>
    public IReadOnlyList<string> Distractors { get; } = ["0.1", "1.1", "2.1"];

    /// <summary>Logit of IO minus logit of S at END.</summary>
    /// <param name="subjectFirst">A is S (and B the answer), or the reverse.</param>
    /// <param name="corrupted">C is IO instead of S.</param>
    /// <param name="zeroed">Heads whose z is set to 0.</param>
    /// <param name="restored">Heads whose z is taken from the clean run.</param>
    public double LogitDifference(bool subjectFirst, bool corrupted, IReadOnlyCollection<string>? zeroed = null,
        IReadOnlyCollection<string>? restored = null)
    {
        var run = Run(subjectFirst, corrupted, zeroed ?? [], restored ?? []);
        var difference = gamma * Net(run.NameMover);
        if (backup) difference += gamma * Net(run.Backup) - gamma / 4 * Net(run.Negative);
        return subjectFirst ? -difference : difference;

        double Net((double A, double B, double Other) tokens) => tokens.A - tokens.B;
    }

    private sealed record State(
        double[] DupFlag, double[,] DupPos, double[] Inhibition, (double A, double B, double Other) NameMover,
        (double A, double B, double Other) Backup, (double A, double B, double Other) Negative);

    private State Run(bool subjectFirst, bool corrupted, IReadOnlyCollection<string> zeroed, IReadOnlyCollection<string> restored)
    {
        var clean = restored.Count > 0 ? Run(subjectFirst, false, [], []) : null;
        var names = new char[IoiModel.Length];
        (names[A], names[B]) = ('A', 'B');
        names[C] = subjectFirst != corrupted ? 'A' : 'B';
        bool IsName(int p) => names[p] != 0;

        var dupFlag = new double[IoiModel.Length];
        var dupPos = new double[IoiModel.Length, IoiModel.Length];
        for (var q = 0; q < IoiModel.Length; q++)
        {
            var attention = Softmax(q,
                k => (IsName(q) && names[q] == names[k] ? 2 * beta : 0) - (q == k ? 4 * beta : 0) + (k == 0 ? beta : 0));
            for (var k = 1; k <= q; k++)
            {
                dupPos[q, k] = attention[k];
                dupFlag[q] += attention[k];
            }
        }
        if (zeroed.Contains("0.0")) (dupFlag, dupPos) = (new double[IoiModel.Length], new double[IoiModel.Length, IoiModel.Length]);
        else if (restored.Contains("0.0")) (dupFlag, dupPos) = (clean!.DupFlag, clean.DupPos);

        var inhibition = new double[IoiModel.Length];
        var toDuplicate = Softmax(End, k => 2 * beta * dupFlag[k] + (k == 0 ? beta : 0));
        for (var k = 0; k < IoiModel.Length; k++)
            for (var p = 0; p < IoiModel.Length; p++) inhibition[p] += toDuplicate[k] * dupPos[k, p];
        if (zeroed.Contains("1.0")) inhibition = new double[IoiModel.Length];
        else if (restored.Contains("1.0")) inhibition = clean!.Inhibition;

        double Score(int k) => (IsName(k) ? 2 * beta : 0) - 2 * beta * dupFlag[k] - 2 * beta * inhibition[k];
        var mover = Head("2.0", Softmax(End, Score), s => s.NameMover);
        var written = gamma * (mover.A + mover.B + mover.Other);
        var second = Head("3.0", Softmax(End, k => Score(k) + (k == 0 ? 4 * beta / gamma * written : 0)), s => s.Backup);
        var negative = Head("3.1", Softmax(End, Score), s => s.Negative);
        return new State(dupFlag, dupPos, inhibition, mover, second, negative);

        (double A, double B, double Other) Head(string name, double[] attention, Func<State, (double, double, double)> ofClean)
        {
            if (zeroed.Contains(name)) return (0, 0, 0);
            if (restored.Contains(name)) return ofClean(clean!);
            double Sum(Func<int, bool> where) => Enumerable.Range(0, IoiModel.Length).Where(where).Sum(k => attention[k]);
            return (Sum(k => names[k] == 'A'), Sum(k => names[k] == 'B'), Sum(k => !IsName(k)));
        }
    }

    internal static double[] Softmax(int query, Func<int, double> score)
    {
        var scores = Enumerable.Range(0, query + 1).Select(score).ToArray();
        var most = scores.Max();
        var sum = scores.Sum(s => Math.Exp(s - most));
        return [.. scores.Select(s => Math.Exp(s - most) / sum)];
    }
}
