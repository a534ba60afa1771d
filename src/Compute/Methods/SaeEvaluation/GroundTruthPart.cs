using InterpActors.Compute.Dictionaries.Evaluation;
using InterpActors.Compute.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Methods.SaeEvaluation;

/// <summary>
/// A dictionary against planted features: which were found, and whether latents fire when they should. Source: SAELens' synthetic
/// evaluation.
/// </summary>
internal sealed class GroundTruthPart(EvaluatedDictionary sae, PlantedTruth truth) : EvaluationPart(sae)
{
    private const string Group = "ground_truth";

    public override string Track => "planted features";

    public override int Units => 1;

    public override double Flops => 4.0 * truth.RowCount * Sae.Sizes.Latents * Sae.Sizes.Input;

    public override NumberPayload Run(StudySession session, int unit, CancellationToken cancellation)
    {
        var planted = truth.Open(session);
        var dictionary = Sae.Open(session, ScalarType.Float64);
        var match = FeatureMatch.Of(dictionary.Weights["W_dec"], planted.Features);
        var best = match.BestFeatures();
        var score = new PlantedScore(best, truth.Width);
        foreach (var (codes, reconstruction, x, activations) in planted.Through(dictionary, cancellation))
            score.Add(codes, reconstruction, x, activations);
        var matched = Enumerable.Repeat(-1.0, best.Length).ToArray();
        foreach (var (latent, feature) in match.Matching) matched[latent] = feature;
        var counts = Enumerable.Range(0, best.Length).Select(score.Counts).ToArray();
        return new NumberPayload()
            .Add("mcc", match.Mcc)
            .Add("mmcs_latents_to_features", match.MmcsOfLatents(absolute: false))
            .Add("mmcs_features_to_latents", match.MmcsOfFeatures(absolute: false))
            .Add("mmcs_latents_to_features_abs", match.MmcsOfLatents(absolute: true))
            .Add("mmcs_features_to_latents_abs", match.MmcsOfFeatures(absolute: true))
            .Add("uniqueness", match.Uniqueness)
            .Add("precision", score.Precision)
            .Add("recall", score.Recall)
            .Add("f1_score", score.F1)
            .Add("accuracy", score.Accuracy)
            .Add("explained_variance", score.ExplainedVariance)
            .Add("shrinkage", score.Shrinkage)
            .Add("sae_l0", score.L0)
            .Add("true_l0", score.TrueL0)
            .Add("dead_latents", score.Dead)
            .Add("zero_rows", score.ZeroRows)
            .Add("/matched", matched)
            .Add("/best", [.. best.Select(b => (double)b)])
            .Add("/cosine", [.. best.Select((b, i) => match.Cosine(i, b))])
            .Add("/both", [.. counts.Select(c => (double)c.Both)])
            .Add("/latent", [.. counts.Select(c => (double)c.LatentOnly)])
            .Add("/feature", [.. counts.Select(c => (double)c.FeatureOnly)]);
    }

    public override IEnumerable<EvaluationRow> Rows(IReadOnlyList<NumberPayload> payloads) =>
        payloads[0].Names.Where(n => n[0] != '/').Select(n => new EvaluationRow(Sae, Sae.Hook,
            new MetricValue(Group, n, double.IsNaN(payloads[0][n][0]) ? null : payloads[0][n][0], truth.RowCount)));

    public override IEnumerable<(EvaluationTable, IReadOnlyList<object?>)> TableRows(IReadOnlyList<NumberPayload> payloads)
    {
        var of = payloads[0];
        for (var i = 0; i < Sae.Sizes.Latents; i++)
            yield return (EvaluationTable.Matches,
            [
                Sae.Name, i, of["/matched"][i] < 0 ? null : (object)(long)of["/matched"][i], (long)of["/best"][i], of["/cosine"][i],
                (long)of["/both"][i], (long)of["/latent"][i], (long)of["/feature"][i],
            ]);
    }
}
