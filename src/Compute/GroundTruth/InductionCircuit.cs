namespace InterpActors.Compute.GroundTruth;

/// <summary>What GT-IND computes, from the rules of its two heads in plain arithmetic, without the model's matrices.</summary>
public sealed class InductionCircuit(double beta, double gamma)
{
    /// <summary>Logits at a position.</summary>
    /// <param name="tokens">BOS (0) first.</param>
    /// <param name="zeroed">Heads whose z is set to 0: <c>0.0</c>, <c>1.0</c>.</param>
    /// <returns>[d_vocab]</returns>
    public double[] Logits(IReadOnlyList<int> tokens, int position, params IReadOnlyCollection<string> zeroed)
    {
        var previous = new double[position + 1, InductionModel.Vocabulary];
        if (!zeroed.Contains("0.0"))
        {
            for (var q = 0; q <= position; q++)
            {
                var attention = IoiCircuit.Softmax(q, k => k == q - 1 ? 2 * beta : 0);
                for (var k = 0; k <= q; k++) previous[q, tokens[k]] += attention[k];
            }
        }
        var logits = new double[InductionModel.Vocabulary];
        if (zeroed.Contains("1.0")) return logits;
        var matches = IoiCircuit.Softmax(position, k => 2 * beta * previous[k, tokens[position]] + (k == 0 ? beta : 0));
        for (var k = 0; k <= position; k++)
            if (tokens[k] != 0) logits[tokens[k]] += gamma * matches[k];
        return logits;
    }

    /// <summary>−ln of the probability of a token.</summary>
    public static double NegativeLogLikelihood(IReadOnlyList<double> logits, int token)
    {
        var most = logits.Max();
        return most + Math.Log(logits.Sum(l => Math.Exp(l - most))) - logits[token];
    }
}
