using InterpActors.Compute.Dictionaries.Architectures;
using InterpActors.Compute.Dictionaries.Evaluation;
using InterpActors.Compute.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Methods.SaeEvaluation;

/// <summary>
/// A dictionary on a tree of features (arXiv:2506.03093): does each feature have a latent, and did children take in their parents? Of
/// matching pursuit also how the residual falls pick by pick: ‖r′‖² = ‖r‖² − v²(2 − ‖w‖²).
/// </summary>
internal sealed class TreePart(EvaluatedDictionary sae, PlantedTruth truth) : EvaluationPart(sae)
{
    private const int Picks = 6;
    private const int BabelSizes = 6;

    public override string Track => "feature tree";

    public override int Units => 1;

    public override double Flops => 4.0 * truth.RowCount * Sae.Sizes.Latents * Sae.Sizes.Input;

    public override NumberPayload Run(StudySession session, int unit, CancellationToken cancellation)
    {
        var planted = truth.Open(session);
        var dictionary = Sae.Open(session, ScalarType.Float64);
        var decoder = dictionary.Weights["W_dec"];
        var match = FeatureMatch.Of(decoder, planted.Features);
        var tree = new TreeScore(match, truth.Families);
        var score = new PlantedScore(match.BestFeatures(), truth.Width);
        double active = 0;
        var both = new double[truth.FeatureCount];
        var either = new double[truth.FeatureCount];
        foreach (var (codes, reconstruction, x, activations) in planted.Through(dictionary, cancellation))
        {
            score.Add(codes, reconstruction, x, activations);
            active += (codes != 0).sum().item<long>();
            for (var f = 0; f < truth.FeatureCount; f++)
            {
                var on = activations.select(1, f) != 0;
                either[f] += on.sum().item<long>();
                if (tree.LatentOfFeature[f] < 0) continue;
                var fires = codes.select(1, tree.LatentOfFeature[f]) != 0;
                either[f] += fires.sum().item<long>();
                both[f] += fires.logical_and(on).sum().item<long>();
            }
        }
        var f1 = both.Zip(either, (b, e) => 2 * b / Math.Max(1, e)).ToArray();
        using var norms = decoder.norm(1);
        var payload = new NumberPayload()
            .Add("fvu", 1 - score.ExplainedVariance)
            .Add("l0", active / truth.RowCount)
            .Add("true_l0", score.TrueL0)
            .Add("mcc", match.Mcc)
            .Add("parent_cosine", tree.ParentCosine)
            .Add("child_cosine", tree.ChildCosine)
            .Add("child_parent_cosine", tree.ChildParentCosine)
            .Add("f1", f1.Average())
            .Add("f1_feature_", f1)
            .Add("latent_of_feature_", [.. tree.LatentOfFeature.Select(l => (double)l)])
            .Add("atom_norm_min", norms.min().item<double>())
            .Add("atom_norm_max", norms.max().item<double>())
            .Add("babel_", BabelFunction.Of(decoder, BabelSizes));
        if (dictionary.Architecture is MatchingPursuitArchitecture) AddPursuit(payload, planted.Rows, decoder);
        return payload;
    }

    public override IEnumerable<EvaluationRow> Rows(IReadOnlyList<NumberPayload> payloads)
    {
        foreach (var name in payloads[0].Names)
        {
            var values = payloads[0][name];
            for (var i = 0; i < values.Length; i++)
            {
                // Features count from 0; sizes of sets and numbers of picks from 1.
                var metric = !name.EndsWith('_') ? name : name.Contains("feature") ? $"{name}{i}" : $"{name}{i + 1}";
                yield return new EvaluationRow(Sae, Sae.Hook,
                    new MetricValue("tree", metric, double.IsNaN(values[i]) ? null : values[i], truth.RowCount));
            }
        }
    }

    /// <summary>R² after each pick without stopping, and how far the residual's identity is missed.</summary>
    private static void AddPursuit(NumberPayload payload, Tensor rows, Tensor decoder)
    {
        using var scope = NewDisposeScope();
        var residual = rows;
        var total = (rows - rows.mean([0L])).square().sum();
        var curve = new double[Picks];
        var missed = 0.0;
        for (var k = 0; k < Picks; k++)
        {
            var (value, atom) = residual.matmul(decoder.t()).max(1);
            value = value.clamp_min(0);
            var atoms = decoder.index_select(0, atom);
            var next = residual - value.unsqueeze(1) * atoms;
            var expected = residual.square().sum(1) - value.square() * (2 - atoms.square().sum(1));
            missed = Math.Max(missed, (next.square().sum(1) - expected).abs().max().item<double>());
            residual = next;
            curve[k] = (1 - residual.square().sum() / total).item<double>();
        }
        payload.Add("r2_after_picks_", curve).Add("residual_identity_maxdiff", missed);
    }
}
