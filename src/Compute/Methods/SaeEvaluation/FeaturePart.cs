using InterpActors.Compute.Dictionaries;
using InterpActors.Compute.Dictionaries.Data;
using InterpActors.Compute.Dictionaries.Evaluation;
using InterpActors.Compute.Methods.SaeTraining;
using InterpActors.Compute.Reports;
using InterpActors.Compute.Reports.Features;
using InterpActors.Compute.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Methods.SaeEvaluation;

/// <summary>
/// What each latent answers to and what it says: the sequences in which it fires most, and the tokens whose logits its decoder row raises
/// and lowers (W_dec · W_U behind the final norm's weight; a direct path, no layer in between). The first units are ranges of sequences,
/// the rest ranges of latents. Becomes <c>features-SAE.html</c>.
/// </summary>
internal sealed class FeaturePart : EvaluationPart
{
    private const int SequencesPerUnit = 64;
    private const int LatentsPerUnit = 2048;

    private readonly TokenData _data;
    private readonly KeptRows _rows;
    private readonly HarvestSite _site;
    private readonly StudyContext _study;
    private readonly int _contexts;
    private readonly int _logits;
    private readonly int _sequenceUnits;

    /// <param name="rows">Which rows of the data count.</param>
    /// <param name="contexts">Contexts a latent.</param>
    /// <param name="logits">Tokens a latent raises, and lowers, that are listed.</param>
    public FeaturePart(
        EvaluatedDictionary sae, TokenData data, KeptRows rows, HarvestSite site, StudyContext study, int contexts, int logits) : base(sae)
    {
        (_data, _rows, _site, _study, _contexts) = (data, rows, site, study, contexts);
        // Only what is written into the residual stream has a direct way to the logits.
        _logits = sae.Sizes.Output == study.Model.Config.ModelWidth ? Math.Min(logits, study.Model.Config.Vocabulary) : 0;
        _sequenceUnits = (int)((data.Sequences.Count + SequencesPerUnit - 1) / SequencesPerUnit);
    }

    public override string Track => "feature page";

    public override int Units => _sequenceUnits + (_logits == 0 ? 0 : (Sae.Sizes.Latents + LatentsPerUnit - 1) / LatentsPerUnit);

    public override double Forwards => _data.Sequences.Count;

    public override double Flops => _logits == 0 ? 0 : 2.0 * Sae.Sizes.Latents * Sae.Sizes.Output * _study.Model.Config.Vocabulary;

    public override NumberPayload Run(StudySession session, int unit, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var dictionary = Sae.Open(session, session.Context.Model.Type);
        return unit < _sequenceUnits
            ? Contexts(session, dictionary, (long)unit * SequencesPerUnit, cancellation)
            : Logits(session, dictionary, (unit - _sequenceUnits) * LatentsPerUnit);
    }

    public override IEnumerable<EvaluationRow> Rows(IReadOnlyList<NumberPayload> payloads) =>
    [
        new EvaluationRow(Sae, _site.Hook, new MetricValue("features", "latents_with_contexts",
            payloads.Take(_sequenceUnits).SelectMany(p => p["latent"]).Distinct().Count(), Sae.Sizes.Latents)),
        .. LeftOut("features", payloads.Take(_sequenceUnits), _rows, _site.Hook),
    ];

    public override IEnumerable<ExtraFile> Files(IReadOnlyList<NumberPayload> payloads)
    {
        var best = new List<TopContext>[Sae.Sizes.Latents];
        foreach (var p in payloads.Take(_sequenceUnits))
        {
            var windows = p["window"];
            for (var i = 0; i < p["latent"].Length; i++)
                (best[(int)p["latent"][i]] ??= []).Add(new TopContext((long)p["sequence"][i], (int)p["position"][i], p["value"][i],
                    windows.AsMemory(i * TopContext.Window, TopContext.Window)));
        }
        var ordered = best.Select(b => (IReadOnlyList<TopContext>)[.. (b ?? []).Order().Take(_contexts)]).ToArray();
        var tokens = payloads.Take(_sequenceUnits).Sum(p => p["kept"][0]);
        var fired = new double[Sae.Sizes.Latents];
        foreach (var p in payloads.Take(_sequenceUnits))
            for (var i = 0; i < fired.Length; i++) fired[i] += p["fired"][i];
        var logits = payloads.Skip(_sequenceUnits).ToArray();
        double[] All(string name) => [.. logits.SelectMany(p => p[name])];
        var page = new FeaturePage(Sae.Name, Sae.Architecture, _site.Hook, _study.GivenModel?.Config.Name ?? "", (long)tokens,
            [.. fired.Select(f => f / tokens)], ordered, s => _data.Sequences[s].Tokens,
            _study.Tokenizer is { } tokenizer ? t => Text.TokenText.Display(tokenizer, t) : t => $"[{t}]",
            _logits, All("raised"), All("raised by"), All("lowered"), All("lowered by"))
        {
            Curves = TrainingCurves.Of(Sae.Folder),
        };
        yield return new ExtraFile($"features-{Sae.FileName}.html", page.Write);
    }

    private NumberPayload Contexts(StudySession session, SparseDictionary dictionary, long first, CancellationToken cancellation)
    {
        var found = new Dictionary<int, List<TopContext>>();
        var fired = new double[Sae.Sizes.Latents];
        long kept = 0, left = 0;
        for (var s = first; s < Math.Min(first + SequencesPerUnit, _data.Sequences.Count); s++)
        {
            cancellation.ThrowIfCancellationRequested();
            var sequence = _data.Sequences[s];
            var (positions, tooLong) = _rows.Of(session, s);
            left += tooLong;
            if (positions.Length == 0) continue;
            kept += positions.Length;
            using var scope = NewDisposeScope();
            var rows = HarvestForward.Run(session, _site, [sequence.Tokens])
                .index_select(0, tensor(positions.Select(p => (long)p).ToArray()));
            var codes = dictionary.Encode(dictionary.FlattensHeads ? rows.unsqueeze(1) : rows).Activations.to_type(ScalarType.Float64);
            Add(fired, (codes != 0).to_type(ScalarType.Float64).sum(dim: 0));
            var (largest, at) = codes.max(0);
            var (values, places) = (largest.data<double>().ToArray(), at.data<long>().ToArray());
            var all = codes.contiguous().data<double>().ToArray();
            for (var latent = 0; latent < values.Length; latent++)
            {
                if (!(values[latent] > 0)) continue;
                if (!found.TryGetValue(latent, out var list)) found[latent] = list = [];
                if (list.Count == _contexts && list[^1].Value >= values[latent]) continue;
                list.Add(TopContext.Of(s, positions, (int)places[latent], sequence.Tokens.Length, values[latent],
                    i => all[(long)i * values.Length + latent]));
                list.Sort();
                if (list.Count > _contexts) list.RemoveAt(_contexts);
            }
        }
        var flat = found.OrderBy(f => f.Key).SelectMany(f => f.Value.Select(c => (Latent: f.Key, Context: c))).ToArray();
        var payload = new NumberPayload()
            .Add("latent", [.. flat.Select(c => (double)c.Latent)])
            .Add("sequence", [.. flat.Select(c => (double)c.Context.Sequence)])
            .Add("position", [.. flat.Select(c => (double)c.Context.Position)])
            .Add("value", [.. flat.Select(c => c.Context.Value)])
            .Add("window", [.. flat.SelectMany(c => c.Context.Activations.ToArray())])
            .Add("fired", fired)
            .Add("kept", kept);
        return Count(payload, _rows, kept, left);
    }

    private NumberPayload Logits(StudySession session, SparseDictionary dictionary, int first)
    {
        var weights = session.Weights;
        var decoder = dictionary.Weights["W_dec"].narrow(0, first, Math.Min(LatentsPerUnit, Sae.Sizes.Latents - first));
        if (weights.NormFinal is not null) decoder = decoder * weights.NormFinal;
        var logits = decoder.to_type(weights.Type).matmul(weights.Unembedding.t());
        // Only differences between logits mean anything.
        logits = logits - logits.mean([1L], keepdim: true);
        var (raisedBy, raised) = logits.topk(_logits, 1);
        var (loweredBy, lowered) = logits.topk(_logits, 1, largest: false);
        return new NumberPayload().Add("raised", Numbers(raised)).Add("raised by", Numbers(raisedBy))
            .Add("lowered", Numbers(lowered)).Add("lowered by", Numbers(loweredBy));
    }

    private static void Add(double[] into, Tensor values)
    {
        var data = values.data<double>();
        for (var i = 0; i < into.Length; i++) into[i] += data[i];
    }

    private static double[] Numbers(Tensor values) => values.to_type(ScalarType.Float64).contiguous().data<double>().ToArray();
}
