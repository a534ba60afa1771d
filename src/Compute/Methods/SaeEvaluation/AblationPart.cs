using InterpActors.Compute.Dictionaries;
using InterpActors.Compute.Dictionaries.Evaluation;
using InterpActors.Compute.Reports;
using InterpActors.Compute.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Methods.SaeEvaluation;

/// <summary>
/// What probes on the activations lose when the latents that speak for a class are ablated, the dictionary's error kept: targeted probe
/// perturbation, or spurious correlation removal. A unit a class.
/// </summary>
/// <param name="pairs">The classes.</param>
/// <param name="tops">How many latents are ablated, ascending.</param>
internal sealed class AblationPart(
    EvaluatedDictionary sae, TextData data, bool isScr, IReadOnlyList<ClassPair> pairs, IReadOnlyList<int> tops, ScalarType type)
    : EvaluationPart(sae)
{
    // The numbers of latents that SAEBench has names for.
    private static readonly int[] Standard = [2, 5, 10, 20, 50, 100, 500];

    // By number: which probe is tested on whose texts. TPP asks each probe about its own class only.
    private readonly (int Probe, int Texts)[] _tests =
    [
        .. from p in Enumerable.Range(0, pairs.Count) from t in Enumerable.Range(0, pairs.Count) where isScr || p == t select (p, t),
    ];

    private string Metric => isScr ? "scr" : "tpp";

    private string Group => $"{Metric}_metrics";

    public override string Track => isScr ? "spurious correlation removal" : "targeted probe perturbation";

    public override int Units => pairs.Count;

    public override double Flops => 2.0 * Sae.Sizes.Latents * Sae.Sizes.Input * pairs.Sum(p =>
        Cost(TextData.Train, p.Name, p.Train) + pairs.Sum(q => Cost(TextData.Test, q.Name, new ChosenTexts(isScr ? q.Test.Of : []))));

    public override void Verify(StudySession session) => data.Verify(session);

    public override NumberPayload Run(StudySession session, int unit, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var (dictionary, texts, pair) = (Sae.Open(session, type), data.Open(session), pairs[unit]);
        var mine = MeanCodes(dictionary, texts, TextData.Train, All(TextData.Train, pair), cancellation);
        var others = MeanCodes(dictionary, texts, TextData.Train, pair.Train, cancellation);
        var effects = LatentEffects.Of(mine, others, dictionary.Weights["W_dec"], pair.Probe, absolute: isScr);
        var latents = LatentEffects.Largest(effects, tops[^1]);
        var right = Right(dictionary, texts, latents, cancellation);
        return new NumberPayload()
            .Add("latents", [.. latents.Select(l => (double)l)])
            .Add("effects", [.. latents.Select(l => effects[l])])
            .Add("right", right);
    }

    public override IEnumerable<EvaluationRow> Rows(IReadOnlyList<NumberPayload> payloads)
    {
        var (accuracies, n) = (Accuracies(payloads), pairs.Sum(Tested));
        EvaluationRow Row(string group, string metric, double value, int of) =>
            new(Sae, Sae.Hook, new MetricValue(group, metric, value, of));
        if (isScr)
        {
            var direction = AblationScores.ScrDirection(accuracies);
            foreach (var top in tops)
            {
                var (first, second) = AblationScores.Scr(accuracies, top);
                yield return Row(Group, $"scr_dir1_threshold_{top}", first, n);
                if (direction is { } lower) yield return Row(Group, $"scr_metric_threshold_{top}", lower == 1 ? first : second, n);
                yield return Row(Group, $"scr_dir2_threshold_{top}", second, n);
            }
            yield break;
        }
        var scores = pairs.Select(p => tops.Select(top => AblationScores.Tpp(accuracies, p.Name, top)).ToArray()).ToArray();
        for (var i = 0; i < tops.Count; i++)
        {
            yield return Row(Group, $"tpp_threshold_{tops[i]}_total_metric", scores.Average(s => s[i].Total), n);
            yield return Row(Group, $"tpp_threshold_{tops[i]}_intended_diff_only", scores.Average(s => s[i].Intended), n);
            yield return Row(Group, $"tpp_threshold_{tops[i]}_unintended_diff_only", scores.Average(s => s[i].Unintended), n);
        }
        for (var p = 0; p < pairs.Count; p++)
        {
            for (var i = 0; i < tops.Count; i++)
            {
                var (group, own) = ($"tpp_class_{pairs[p].Name}", Tested(pairs[p]));
                yield return Row(group, $"tpp_threshold_{tops[i]}_total_metric", scores[p][i].Total, own);
                yield return Row(group, $"tpp_threshold_{tops[i]}_intended_diff_only", scores[p][i].Intended, own);
                yield return Row(group, $"tpp_threshold_{tops[i]}_unintended_diff_only", scores[p][i].Unintended, own);
            }
        }
    }

    public override IEnumerable<(EvaluationTable, IReadOnlyList<object?>)> TableRows(IReadOnlyList<NumberPayload> payloads)
    {
        var accuracies = Accuracies(payloads);
        foreach (var (p, t) in _tests)
            yield return (EvaluationTable.Ablations, [Sae.Name, Metric, null, 0, 0, pairs[p].Name, pairs[t].Name,
                accuracies.Clean(pairs[p].Name, pairs[t].Name), Tested(pairs[t])]);
        for (var c = 0; c < pairs.Count; c++)
        {
            foreach (var top in tops)
                foreach (var (p, t) in _tests)
                    yield return (EvaluationTable.Ablations,
                    [
                        Sae.Name, Metric, pairs[c].Name, top, Math.Min(top, payloads[c]["latents"].Length), pairs[p].Name, pairs[t].Name,
                        accuracies.Ablated(pairs[c].Name, top, pairs[p].Name, pairs[t].Name), Tested(pairs[t]),
                    ]);
            for (var i = 0; i < payloads[c]["latents"].Length; i++)
                yield return (EvaluationTable.Effects,
                    [Sae.Name, Metric, pairs[c].Name, i + 1, (int)payloads[c]["latents"][i], payloads[c]["effects"][i]]);
        }
    }

    public override IEnumerable<ExtraArtifact> Artifacts(IReadOnlyList<NumberPayload> payloads) =>
    [
        SaeBenchJson.OfTexts(Sae, Metric, Rows(payloads).Where(r => r.Metric.Group == Group), data.FileName,
            [("perform_scr", isScr),
                ("n_values", SaeBenchJson.List(tops))],
            Standard, n => Names(n).Select(name => (Group, name))),
    ];

    private string[] Names(int n) => isScr ? [$"scr_dir1_threshold_{n}", $"scr_metric_threshold_{n}", $"scr_dir2_threshold_{n}"]
        : [$"tpp_threshold_{n}_total_metric", $"tpp_threshold_{n}_intended_diff_only", $"tpp_threshold_{n}_unintended_diff_only"];

    private double Cost(string split, string name, ChosenTexts others) =>
        data.Texts($"{split}/{name}") * (double)data.Tokens($"{split}/{name}")
            + others.Of.Sum(o => o.Texts.Count * (double)data.Tokens($"{split}/{o.Class}"));

    /// <summary>Texts that a class's probe is tested on.</summary>
    private int Tested(ClassPair pair) => data.Texts($"{TextData.Test}/{pair.Name}") + pair.Test.Count;

    private ChosenTexts All(string split, ClassPair pair) =>
        new([(pair.Name, [.. Enumerable.Range(0, data.Texts($"{split}/{pair.Name}"))])]);

    private IEnumerable<TextChunk> Chunks(OpenedTexts texts, string split, ChosenTexts chosen, CancellationToken cancellation) =>
        chosen.Of.SelectMany(o =>
            texts.Chunks($"{split}/{o.Class}", o.Texts, data.TextsAChunk($"{split}/{o.Class}", Sae.Sizes.Latents), cancellation));

    /// <summary>Mean over texts of the mean codes over tokens. [latents]</summary>
    private Tensor MeanCodes(
        SparseDictionary dictionary, OpenedTexts texts, string split, ChosenTexts chosen, CancellationToken cancellation)
    {
        var sum = zeros(Sae.Sizes.Latents, ScalarType.Float64);
        foreach (var chunk in Chunks(texts, split, chosen, cancellation)) sum.add_(chunk.MeanCodes(dictionary).sum(dim: 0));
        return sum / chosen.Count;
    }

    /// <summary>
    /// Texts that each test's probe puts on their side: before, and after the ablation of the first few latents. [1 + tops, tests]
    /// </summary>
    private double[] Right(SparseDictionary dictionary, OpenedTexts texts, int[] latents, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var right = new double[(1 + tops.Count) * _tests.Length];
        var chosen = tensor(latents.Select(l => (long)l).ToArray(), ScalarType.Int64);
        var directions = latents.Length == 0 ? null : Directions(dictionary, chosen);
        // Texts of one class are tested as its own and as others of several: they are encoded once.
        var encoded = pairs.SelectMany(p => p.Test.Of.Select(o => o.Class).Append(p.Name)).Distinct()
            .ToDictionary(
                c => c, c => Means(dictionary, texts, c, directions is null ? null : chosen, cancellation), StringComparer.Ordinal);
        for (var t = 0; t < pairs.Count; t++)
        {
            var asked = Enumerable.Range(0, _tests.Length).Where(i => _tests[i].Texts == t).ToArray();
            foreach (var (of, isPositive) in new[] { (All(TextData.Test, pairs[t]), true), (pairs[t].Test, false) })
                foreach (var (name, some) in of.Of)
                {
                    using var inner = NewDisposeScope();
                    var rows = tensor(some.Select(i => (long)i).ToArray());
                    var (mean, taken) = (encoded[name].Mean.index_select(0, rows), encoded[name].Taken?.index_select(0, rows));
                    foreach (var test in asked)
                    {
                        var probe = pairs[_tests[test].Probe].Probe;
                        var weights = tensor(probe.Weights);
                        var scores = mean.matmul(weights) + probe.Intercept;
                        right[test] += Count(scores, isPositive);
                        var lost = taken is null ? null : (taken * directions!.matmul(weights)).cumsum(1);
                        for (var i = 0; i < tops.Count; i++)
                            right[(1 + i) * _tests.Length + test] +=
                                Count(lost is null ? scores : scores - lost.select(1, Math.Min(tops[i], latents.Length) - 1), isPositive);
                    }
                }
        }
        return right;
    }

    /// <summary>Mean activations of a class's test texts, and what some latents add to them. [texts, d], [texts, n]</summary>
    private (Tensor Mean, Tensor? Taken) Means(
        SparseDictionary dictionary, OpenedTexts texts, string name, Tensor? latents, CancellationToken cancellation)
    {
        var (means, taken) = (new List<Tensor>(), new List<Tensor>());
        var all = new ChosenTexts([(name, [.. Enumerable.Range(0, data.Texts($"{TextData.Test}/{name}"))])]);
        foreach (var chunk in Chunks(texts, TextData.Test, all, cancellation))
        {
            means.Add(chunk.Mean().MoveToOuterDisposeScope());
            if (latents is not null) taken.Add(chunk.Contributions(dictionary, latents).MoveToOuterDisposeScope());
        }
        return (cat(means, 0), latents is null ? null : cat(taken, 0));
    }

    private static double Count(Tensor scores, bool isPositive)
    {
        var positive = (scores > 0).sum().item<long>();
        return isPositive ? positive : scores.shape[0] - positive;
    }

    /// <summary>What a unit of some latents decodes to, b_dec apart. [n, d], fp64.</summary>
    private static Tensor Directions(SparseDictionary dictionary, Tensor latents)
    {
        var none = zeros(latents.shape[0], dictionary.Sizes.Latents, dictionary.Type);
        var one = none.scatter(1, latents.unsqueeze(1), ones(latents.shape[0], 1, dictionary.Type));
        var (weights, decode) = (dictionary.Weights, dictionary.Architecture);
        return (decode.Decode(weights, one) - decode.Decode(weights, none)).to_type(ScalarType.Float64);
    }

    private AblationAccuracies Accuracies(IReadOnlyList<NumberPayload> payloads)
    {
        var index = pairs.Select((p, i) => (p.Name, i)).ToDictionary(p => p.Name, p => p.i, StringComparer.Ordinal);
        double Share(int of, int row, string probe, string texts)
        {
            var test = Array.IndexOf(_tests, (index[probe], index[texts]));
            return payloads[of]["right"][row * _tests.Length + test] / Tested(pairs[index[texts]]);
        }
        var rows = tops.Select((top, i) => (top, i)).ToDictionary(t => t.top, t => t.i);
        return new AblationAccuracies([.. pairs.Select(p => p.Name)],
            (probe, texts) => Share(0, 0, probe, texts), (of, top, probe, texts) => Share(index[of], 1 + rows[top], probe, texts));
    }
}
