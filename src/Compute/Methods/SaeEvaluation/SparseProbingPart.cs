using InterpActors.Compute.Dictionaries.Evaluation;
using InterpActors.Compute.Reports;
using InterpActors.Compute.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Methods.SaeEvaluation;

/// <summary>
/// How well a few latents tell two classes of texts apart, beside a few numbers of the activation itself: accuracies on unseen texts of
/// logistic regressions on means over tokens.
/// </summary>
/// <param name="ks">How many latents a probe may use.</param>
/// <param name="c">The weight of the data against the penalty on the probe's weights.</param>
internal sealed class SparseProbingPart(EvaluatedDictionary sae, TextData data, IReadOnlyList<int> ks, double c, ScalarType type)
    : EvaluationPart(sae)
{
    private const string Model = "llm";
    private const string Latents = "sae";

    // The numbers of latents that SAEBench has names for.
    private static readonly int[] Standard = [1, 2, 5, 10, 20, 50, 100];

    private static readonly string[] Classes = ["positive", "negative"];

    /// <summary>The tensors that it reads.</summary>
    public static IEnumerable<string> Tensors { get; } =
        [.. from split in (string[])[TextData.Train, TextData.Test] from name in Classes select $"{split}/{name}"];

    public override string Track => "sparse probing";

    public override int Units => 1;

    public override double Flops => 2.0 * Tensors.Sum(t => data.Texts(t) * (double)data.Tokens(t)) * Sae.Sizes.Latents * Sae.Sizes.Input;

    /// <summary>Features of all texts, and what fitting a probe on all of them takes.</summary>
    public override long Bytes => 3L * 8 * Tensors.Sum(t => data.Texts(t)) * Math.Max(Sae.Sizes.Latents, data.Width);

    /// <summary>
    /// Looks at the texts, and whether a probe can be fitted at all: what fails on all dictionaries fails before anything is written.
    /// </summary>
    public override void Verify(StudySession session)
    {
        data.Verify(session);
        session.Derived((data, ks, c, "tried"), () =>
        {
            using var scope = NewDisposeScope();
            return Probes(session, data.Width, chunk => chunk.Mean(), CancellationToken.None)
                .Fit(Math.Min(ks[^1], data.Width), CancellationToken.None);
        });
    }

    public override NumberPayload Run(StudySession session, int unit, CancellationToken cancellation)
    {
        var dictionary = Sae.Open(session, type);
        // The same for every dictionary.
        var plain = session.Derived((data, ks, c, Model), () =>
            Fit(session, Model, data.Width, chunk => chunk.Mean(), CancellationToken.None));
        var payload = Fit(session, Latents, Sae.Sizes.Latents, chunk => chunk.MeanCodes(dictionary), cancellation);
        foreach (var name in plain.Names) payload.Add(name, plain[name]);
        return payload;
    }

    public override IEnumerable<EvaluationRow> Rows(IReadOnlyList<NumberPayload> payloads)
    {
        var n = Classes.Sum(name => data.Texts($"{TextData.Test}/{name}"));
        foreach (var on in (string[])[Model, Latents])
        {
            yield return Row(on, $"{on}_test_accuracy", payloads[0][$"{on}/all"][0]);
            foreach (var k in Fitted(on)) yield return Row(on, $"{on}_top_{k}_test_accuracy", payloads[0][$"{on}/{k}"][0]);
        }

        EvaluationRow Row(string group, string metric, double value) => new(Sae, Sae.Hook, new MetricValue(group, metric, value, n));
    }

    public override IEnumerable<(EvaluationTable, IReadOnlyList<object?>)> TableRows(IReadOnlyList<NumberPayload> payloads)
    {
        foreach (var on in (string[])[Model, Latents])
        {
            foreach (var k in Fitted(on))
            {
                var (columns, weights) = (payloads[0][$"{on}/{k}/columns"], payloads[0][$"{on}/{k}/weights"]);
                var accuracies = payloads[0][$"{on}/{k}"];
                for (var i = 0; i < weights.Length; i++)
                    yield return (EvaluationTable.Probes,
                        [Sae.Name, on, k, i < columns.Length ? (int)columns[i] : null, weights[i], accuracies[1], accuracies[0]]);
            }
        }
    }

    public override IEnumerable<ExtraArtifact> Artifacts(IReadOnlyList<NumberPayload> payloads) =>
    [
        SaeBenchJson.OfTexts(Sae, "sparse_probing", Rows(payloads).Where(r => r.Metric.Group is Model or Latents), data.FileName,
            [("k_values", SaeBenchJson.List(ks))], Standard,
            n => ((string[])[Model, Latents]).Select(on => (on, $"{on}_top_{n}_test_accuracy"))),
    ];

    /// <summary>The ks that there are columns for.</summary>
    private IEnumerable<int> Fitted(string on) => ks.Where(k => k <= (on == Model ? data.Width : Sae.Sizes.Latents));

    private NumberPayload Fit(
        StudySession session, string on, int columns, Func<TextChunk, Tensor> features, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var probes = Probes(session, columns, features, cancellation);
        var payload = new NumberPayload();
        var all = probes.Fit(null, cancellation);
        payload.Add($"{on}/all", all.Accuracy, all.TrainAccuracy);
        foreach (var k in Fitted(on))
        {
            var probe = probes.Fit(k, cancellation);
            payload.Add($"{on}/{k}", probe.Accuracy, probe.TrainAccuracy)
                .Add($"{on}/{k}/columns", [.. probe.Columns!.Select(i => (double)i)])
                .Add($"{on}/{k}/weights", [.. probe.Probe.Weights, probe.Probe.Intercept]);
        }
        return payload;
    }

    private SparseProbes Probes(StudySession session, int columns, Func<TextChunk, Tensor> features, CancellationToken cancellation)
    {
        var (train, trainPositive) = Features(session, TextData.Train, columns, features, cancellation);
        var (test, testPositive) = Features(session, TextData.Test, columns, features, cancellation);
        return new SparseProbes(train, trainPositive, test, testPositive, c);
    }

    private (Tensor Rows, bool[] Positive) Features(
        StudySession session, string split, int columns, Func<TextChunk, Tensor> features, CancellationToken cancellation)
    {
        var texts = data.Open(session);
        var (rows, positive) = (new List<Tensor>(), new List<bool>());
        foreach (var name in Classes)
        {
            var tensor = $"{split}/{name}";
            var count = data.Texts(tensor);
            foreach (var chunk in texts.Chunks(tensor, [.. Enumerable.Range(0, count)], data.TextsAChunk(tensor, columns), cancellation))
                rows.Add(features(chunk).MoveToOuterDisposeScope());
            positive.AddRange(Enumerable.Repeat(name == Classes[0], count));
        }
        return (cat(rows, 0), [.. positive]);
    }
}
