using InterpActors.Compute.Dictionaries.Evaluation;
using InterpActors.Compute.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Methods.SaeEvaluation;

/// <summary>Absorption of each family's parent, with its planted direction as the probe.</summary>
/// <param name="rowsPerParent">The first so many rows in which the parent is on are looked at.</param>
internal sealed class AbsorptionPart(EvaluatedDictionary sae, PlantedTruth truth, AbsorptionLimits limits, int rowsPerParent)
    : EvaluationPart(sae)
{
    private const string Group = "absorption";

    public override string Track => "absorption";

    /// <summary>One a family.</summary>
    public override int Units => truth.Families.Count;

    public override double Flops => 2.0 * Units * rowsPerParent * Sae.Sizes.Latents * Sae.Sizes.Input;

    public override NumberPayload Run(StudySession session, int unit, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var planted = truth.Open(session);
        var dictionary = Sae.Open(session, ScalarType.Float64);
        var parent = truth.Families[unit][0];
        var match = FeatureMatch.Of(dictionary.Weights["W_dec"], planted.Features);
        var cosines = Enumerable.Range(0, match.Latents).Select(i => match.Cosine(i, parent)).ToArray();
        var main = Enumerable.Range(0, cosines.Length).MaxBy(i => cosines[i]);
        var absorption = new Absorption(cosines, [main], limits);

        var on = (planted.Activations.select(1, parent) > 0).data<bool>();
        var rows = new List<long>();
        for (long r = 0; r < truth.RowCount && rows.Count < rowsPerParent; r++)
            if (on[r]) rows.Add(r);
        var x = planted.Rows.index_select(0, tensor(rows.ToArray(), ScalarType.Int64));
        var codes = dictionary.Encode(x).Activations.contiguous().data<double>().ToArray();
        var projections = x.matmul(planted.Features[parent]).data<double>().ToArray();
        var found = rows.Select((_, i) => absorption.Of(codes.AsSpan(i * cosines.Length, cosines.Length), projections[i])).ToArray();
        return new NumberPayload()
            .Add("main", main)
            .Add("rows", [.. rows.Select(r => (double)r)])
            .Add("fractions", [.. found.Select(f => f.Fraction)])
            .Add("full", [.. found.Select(f => f.Full ? 1.0 : 0)]);
    }

    public override IEnumerable<EvaluationRow> Rows(IReadOnlyList<NumberPayload> payloads)
    {
        EvaluationRow Row(string metric, double[] values, double? value = null) => new(Sae, Sae.Hook, new MetricValue(Group, metric,
            value ?? (values.Length == 0 ? null : values.Average()), values.Length));
        yield return Row("mean_absorption_fraction", [.. payloads.SelectMany(p => p["fractions"])]);
        yield return Row("full_absorption_rate", [.. payloads.SelectMany(p => p["full"])]);
        for (var f = 0; f < payloads.Count; f++)
        {
            var parent = truth.Families[f][0];
            yield return Row($"mean_absorption_fraction_{parent}", payloads[f]["fractions"]);
            yield return Row($"full_absorption_rate_{parent}", payloads[f]["full"]);
            yield return Row($"main_latent_{parent}", payloads[f]["rows"], payloads[f]["main"][0]);
        }
    }

    public override IEnumerable<(EvaluationTable, IReadOnlyList<object?>)> TableRows(IReadOnlyList<NumberPayload> payloads)
    {
        for (var f = 0; f < payloads.Count; f++)
            for (var i = 0; i < payloads[f]["rows"].Length; i++)
                yield return (EvaluationTable.Absorption,
                [
                    Sae.Name, truth.Families[f][0], (long)payloads[f]["rows"][i], payloads[f]["fractions"][i], payloads[f]["full"][i] > 0,
                ]);
    }
}
