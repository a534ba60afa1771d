using InterpActors.Compute.Dictionaries.Data;
using InterpActors.Compute.Dictionaries.Evaluation;
using InterpActors.Compute.Models;
using InterpActors.Compute.Reports;
using InterpActors.Compute.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Methods.SaeEvaluation;

/// <summary>
/// SAEBench's core metrics: the dictionary spliced into the model at its hook, batch by batch of sequences, and what the weights of its
/// latents tell. The first units are batches, the rest ranges of latents.
/// </summary>
internal sealed class CorePart : EvaluationPart
{
    private const int LatentsPerUnit = 4096;

    private readonly TokenData _data;
    private readonly KeptRows _rows;
    private readonly string _hook;
    private readonly int _batch;
    private readonly int _bins;
    private readonly int _batches;
    private readonly string _model;

    /// <param name="rows">Which rows of the data count.</param>
    /// <param name="batch">Sequences that are run together.</param>
    /// <param name="bins">Of the histogram of densities.</param>
    /// <param name="model">The model's name.</param>
    public CorePart(EvaluatedDictionary sae, TokenData data, KeptRows rows, string hook, int batch, int bins, string model) : base(sae)
    {
        (_data, _rows, _hook, _batch, _bins, _model) = (data, rows, hook, batch, bins, model);
        _batches = (int)((data.Sequences.Count + batch - 1) / batch);
    }

    public override string Track => "core metrics";

    public override int Units => _batches + (Sae.Sizes.Latents + LatentsPerUnit - 1) / LatentsPerUnit;

    public override double Forwards => 3.0 * _data.Sequences.Count;

    public override NumberPayload Run(StudySession session, int unit, CancellationToken cancellation) =>
        unit < _batches ? RunBatch(session, unit, cancellation) : RunLatents(session, (unit - _batches) * LatentsPerUnit, cancellation);

    public override IEnumerable<EvaluationRow> Rows(IReadOnlyList<NumberPayload> payloads) =>
        Metrics(payloads).Concat(LeftOut(CoreMetrics.Tokens, payloads.Take(_batches), _rows, _hook));

    /// <summary>What SAEBench has too.</summary>
    private IEnumerable<EvaluationRow> Metrics(IReadOnlyList<NumberPayload> payloads)
    {
        var sums = Sums(payloads);
        return CoreMetrics.Of(sums, _data.IsChat && sums["special"] > 0).Concat(CoreMetrics.OfLatents(sums, Geometry(payloads)))
            .Select(m => new EvaluationRow(Sae, _hook, m));
    }

    public override IEnumerable<(EvaluationTable, IReadOnlyList<object?>)> TableRows(IReadOnlyList<NumberPayload> payloads)
    {
        var (sums, geometry) = (Sums(payloads), Geometry(payloads));
        var (densities, consistency) = (CoreMetrics.Densities(sums), CoreMetrics.Consistency(sums));
        for (var i = 0; i < densities.Length; i++)
            yield return (EvaluationTable.Latents,
            [
                Sae.Name, i, densities[i], double.IsNaN(consistency[i]) ? null : consistency[i],
                geometry.EncoderBias?[i], geometry.EncoderNorm?[i],
                geometry.EncoderDecoder?[i], geometry.NearestDecoder[i], geometry.NearestEncoder?[i],
            ]);
        var counts = CoreMetrics.Histogram(densities, _bins);
        for (var b = 0; b < _bins; b++)
            yield return (EvaluationTable.Densities, [Sae.Name, -10 + 10.0 * b / _bins, -10 + 10.0 * (b + 1) / _bins, counts[b]]);
    }

    public override IEnumerable<ExtraArtifact> Artifacts(IReadOnlyList<NumberPayload> payloads) =>
        [SaeBenchJson.OfCore(Sae, _model, _batch, Metrics(payloads), TableRows(payloads))];

    private NumberPayload RunBatch(StudySession session, int batch, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var dictionary = Sae.Open(session, session.Context.Model.Type);
        var model = session.Derived("plain model", () => new HookedTransformer(session.Weights));
        var first = (long)batch * _batch;
        var sequences = Enumerable.Range(0, (int)Math.Min(_batch, _data.Sequences.Count - first))
            .Select(i => _data.Sequences[first + i]).ToArray();
        var rows = sequences.Select((_, i) => _rows.Of(session, first + i)).ToArray();
        var spliced = new SplicedForward(model, _hook, dictionary, _data.Special)
            .Run(sequences, [.. rows.Select(r => r.Positions)], cancellation);
        var sums = new CoreSums(Sae.Sizes.Input, Sae.Sizes.Latents);
        if (spliced.Special.Length > 0) sums.Add(dictionary, spliced, sequences.Length, sequences.Sum(s => (long)s.Tokens.Length));
        var payload = new NumberPayload().Add("totals", sums.Totals).Add("sum", sums.Sum)
            .Add("fired", sums.Fired).Add("sequences", sums.FiredSequences);
        return Count(payload, _rows, spliced.Special.Length, rows.Sum(r => r.TooLong));
    }

    private NumberPayload RunLatents(StudySession session, int first, CancellationToken cancellation)
    {
        var dictionary = Sae.Open(session, session.Context.Model.Type);
        var part = LatentGeometry.Of(dictionary, first, Math.Min(LatentsPerUnit, Sae.Sizes.Latents - first), cancellation);
        var payload = new NumberPayload().Add("decoder", part.NearestDecoder);
        if (part.EncoderBias is { } bias) payload.Add("bias", bias);
        if (part.EncoderNorm is { } norm) payload.Add("norm", norm);
        if (part.EncoderDecoder is { } cosine) payload.Add("cosine", cosine);
        if (part.NearestEncoder is { } encoder) payload.Add("encoder", encoder);
        return payload;
    }

    private CoreSums Sums(IReadOnlyList<NumberPayload> payloads)
    {
        var sums = new CoreSums(Sae.Sizes.Input, Sae.Sizes.Latents);
        foreach (var p in payloads.Take(_batches)) sums.Add(p["totals"], p["sum"], p["fired"], p["sequences"]);
        return sums;
    }

    private LatentGeometry Geometry(IReadOnlyList<NumberPayload> payloads) => LatentGeometry.Join([.. payloads.Skip(_batches).Select(p =>
    {
        double[]? Of(string name) => p.Names.Contains(name) ? p[name] : null;
        return new LatentGeometry(Of("bias"), Of("norm"), Of("cosine"), p["decoder"], Of("encoder"));
    })]);
}
