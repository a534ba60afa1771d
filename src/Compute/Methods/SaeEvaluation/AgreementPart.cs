using InterpActors.Compute.Dictionaries.Evaluation;
using InterpActors.Compute.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Methods.SaeEvaluation;

/// <summary>Whether two dictionaries, of two seeds say, found the same features: pairwise MCC (arXiv:2505.20254).</summary>
internal sealed class AgreementPart(EvaluatedDictionary sae, EvaluatedDictionary other) : EvaluationPart(sae)
{
    public override string Track => "agreement of seeds";

    public override int Units => 1;

    // The matching dominates for large dictionaries: cubic in the number of latents.
    public override double Flops => 2.0 * Sae.Sizes.Latents * other.Sizes.Latents * Sae.Sizes.Output + Math.Pow(Sae.Sizes.Latents, 3);

    public override NumberPayload Run(StudySession session, int unit, CancellationToken cancellation)
    {
        var (one, two) = (Sae.Open(session, ScalarType.Float64), other.Open(session, ScalarType.Float64));
        return new NumberPayload().Add("mcc", FeatureMatch.Of(one.Weights["W_dec"], two.Weights["W_dec"]).Mcc);
    }

    public override IEnumerable<EvaluationRow> Rows(IReadOnlyList<NumberPayload> payloads) =>
    [
        new EvaluationRow(Sae, Sae.Hook,
            new MetricValue("agreement", $"pairwise_mcc_{Sae.Name}_vs_{other.Name}", payloads[0]["mcc"][0],
                Math.Min(Sae.Sizes.Latents, other.Sizes.Latents))),
    ];
}
