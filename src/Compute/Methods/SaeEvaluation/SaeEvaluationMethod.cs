using System.Globalization;
using System.Text.Json.Nodes;
using InterpActors.Compute.Reports;
using InterpActors.Compute.Studies;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using TorchSharp;

namespace InterpActors.Compute.Methods.SaeEvaluation;

/// <summary>One evaluation with its keys read.</summary>
internal sealed class SaeEvaluationMethod(
    StudyContext study, IReadOnlyList<EvaluatedDictionary> dictionaries, IReadOnlyList<EvaluationPart> parts,
    torch.ScalarType type) : IStudyMethod
{
    private static readonly string[] Columns = ["sae", "architecture", "hook", "group", "metric", "value", "n"];

    // What the first screen quotes, where the study has it, in this order.
    private static readonly (string Group, string Metric, string Words)[] Quoted =
    [
        ("reconstruction_quality", "explained_variance", "explained variance"),
        ("model_performance_preservation", "ce_loss_score", "loss recovered"),
        ("sparsity", "l0", "latents a token (L0)"),
        ("ground_truth", "mcc", "MCC with the planted features"), ("ground_truth", "f1_score", "F1"),
        ("tree", "mcc", "MCC with the tree's features"), ("tree", "child_parent_cosine", "cosine of children’s latents with their parents"),
        ("absorption", "mean_absorption_fraction", "mean absorption of the parents"), ("agreement", "", "MCC between seeds"),
        ("sae", "sae_test_accuracy", "accuracy of a probe on all latents"),
        ("sae", "sae_top_*", "accuracy of a probe on the fewest latents"),
        ("tpp_metrics", "tpp_threshold_*", "targeted probe perturbation by the fewest latents (TPP)"),
        ("scr_metrics", "scr_metric_threshold_*", "spurious correlation removed by the fewest latents (SCR)"),
    ];

    /// <inheritdoc/>
    public IStudyPlan Plan(Study planned)
    {
        var config = study.GivenModel?.Config;
        string?[] words =
        [
            dictionaries.Count == 1 ? $"{dictionaries[0].Architecture}, {dictionaries[0].Sizes.Latents:#,0} latents"
                : $"{dictionaries.Count} dictionaries",
            config is null ? null : $"{config.Name} ({config.Layers} layers)",
            string.Join(", ", parts.Select(p => p.Track).Distinct()),
        ];
        var parameters = dictionaries.Sum(d => 2L * d.Sizes.Input * d.Sizes.Latents);
        var flops = config is null ? 0 : 2.0 * config.Layers * 12 * config.ModelWidth * config.ModelWidth;
        return new SaeEvaluationPlan(planned, parts, string.Join(" · ", words.OfType<string>()), flops,
            8 * parameters + parts.Max(p => p.Bytes));
    }

    /// <inheritdoc/>
    public void Verify(StudySession session)
    {
        foreach (var sae in dictionaries)
        {
            var dictionary = sae.Open(session, type);
            foreach (var (name, tensor) in dictionary.Weights.All)
            {
                using var finite = tensor.isfinite().all();
                if (!finite.ToBoolean())
                    throw new StudyException($"{name} holds a value that is not finite", sae.Folder,
                        "is the SAE damaged, or did its training diverge?");
            }
        }
        foreach (var part in parts) part.Verify(session);
    }

    /// <inheritdoc/>
    public UnitOutput Run(StudySession session, IStudyPlan plan, WorkUnit unit, UnitContext context)
    {
        var (part, index) = ((SaeEvaluationPlan)plan).Describe(unit.Ordinal);
        return new UnitOutput(part.Run(session, index, context.Cancellation).ToBytes(), null);
    }

    /// <inheritdoc/>
    public StudyReduction Reduce(Reduction reduction)
    {
        var rows = new List<EvaluationRow>();
        var tables = EvaluationTable.All.ToDictionary(t => t, _ => new List<IReadOnlyList<object?>>());
        var artifacts = new List<ExtraArtifact>();
        var files = new List<ExtraFile>();
        var missing = new List<string>();
        long ordinal = 0;
        foreach (var part in parts)
        {
            var found = Enumerable.Range(0, part.Units).Select(_ => reduction.Payloads(ordinal++)).ToArray();
            if (found.Any(p => p is null))
            {
                missing.Add($"{part.Track} of {part.Sae.Name} is not there: {found.Count(p => p is null)} of its units have no result.");
                continue;
            }
            var payloads = found.Select(p => NumberPayload.Parse(p!)).ToArray();
            rows.AddRange(part.Rows(payloads));
            foreach (var (table, row) in part.TableRows(payloads)) tables[table].Add(row);
            artifacts.AddRange(part.Artifacts(payloads));
            files.AddRange(part.Files(payloads));
        }
        var model = study.GivenModel;
        var view = model is null ? null : new ModelView(model.Config.Name, model.Config.Family, model.Config.Layers, model.Config.Heads,
            null, model.Sha256, model.Path, model.Dtype, model.ProcessingWord);
        var result = new StudyResult(reduction.Plan, reduction.History, view, null, [], [], View(), Trust(rows), Answer(rows), missing, [],
            [.. tables.Where(t => t.Value.Count > 0).Select(t => new ExtraTable(t.Key.FileName, t.Key.Columns, t.Value))],
            artifacts, Manifest())
        {
            Results = new ExtraTable("results.csv", Columns, [.. rows.Select(r => (IReadOnlyList<object?>)
                [r.Sae.Name, r.Sae.Architecture, r.Hook, r.Metric.Group, r.Metric.Metric, r.Metric.Value, r.Metric.N])]),
            Files = files,
            Figures = [.. Figures(rows, dictionaries[0])
                .Select(f => dictionaries.Count == 1 ? f : f with { Words = $"{f.Words}, {dictionaries[0].Name}" })],
            Curves = [.. EvaluationCurves.Of(rows)],
        };
        return new StudyReduction(result, rows.Count == 0);
    }

    private static IEnumerable<Figure> Figures(IReadOnlyList<EvaluationRow> rows, EvaluatedDictionary sae)
    {
        foreach (var (group, metric, words) in Quoted)
            if (Find(rows, sae, group, metric) is { } value) yield return new Figure(Number(value), words);
    }

    private string Answer(IReadOnlyList<EvaluationRow> rows)
    {
        var sentences = new List<string>();
        foreach (var sae in dictionaries.Take(4))
        {
            var said = Figures(rows, sae).Select(f => $"{f.Words} {f.Value}").Take(4).ToArray();
            if (said.Length > 0) sentences.Add($"{sae.Name}: {string.Join(", ", said)}.");
        }
        return sentences.Count == 0 ? "No result: the units of the evaluation failed." : string.Join(" ", sentences);
    }

    private static double? Find(IReadOnlyList<EvaluationRow> rows, EvaluatedDictionary sae, string group, string metric) =>
        rows.FirstOrDefault(r => r.Sae == sae && r.Metric.Group == group && Is(r.Metric.Metric, metric))?.Metric.Value;

    /// <param name="pattern">A name, or how it begins and a star; empty for any.</param>
    private static bool Is(string metric, string pattern) => pattern.Length == 0
        || (pattern[^1] == '*' ? metric.StartsWith(pattern[..^1], StringComparison.Ordinal) : metric == pattern);

    private static IReadOnlyList<TrustCheck> Trust(IReadOnlyList<EvaluationRow> rows)
    {
        var empty = rows.Where(r => r.Metric.Value is null).Select(r => r.Metric.Metric).Distinct().ToArray();
        var tokens = rows.FirstOrDefault(r => r.Metric.Metric == "explained_variance")?.Metric.N;
        var checks = new List<TrustCheck>();
        if (tokens is { } n)
            checks.Add(new TrustCheck("sample", n >= 10_000 ? "good" : "doubtful",
                $"metrics are taken over {n.ToString("#,0", CultureInfo.InvariantCulture)} rows"
                    + $"{(n >= 10_000 ? "" : ": few, densities below 1 in 1,000 are not seen")}."));
        if (rows.FirstOrDefault(r => r.Metric.Metric == EvaluationRow.TooLong)?.Metric is { } left)
            checks.Add(new TrustCheck("norms", left.Value * 10 <= left.N ? "good" : "doubtful", string.Create(CultureInfo.InvariantCulture,
                $"{left.Value:#,0} of {left.N:#,0} rows are longer than max_norm allows and left out.")));
        if (rows.FirstOrDefault(r => r.Metric.Group is "llm" or "tpp_metrics" or "scr_metrics")?.Metric.N is { } texts)
            checks.Add(new TrustCheck("sample", texts >= 1000 ? "good" : "doubtful", string.Create(CultureInfo.InvariantCulture,
                $"accuracies are taken over {texts:#,0} texts: their standard errors are up to {0.5 / Math.Sqrt(texts):0.000}.")));
        checks.Add(empty.Length == 0
            ? new TrustCheck("metrics", "good", "every metric is defined on these data.")
            : new TrustCheck("metrics", "doubtful", $"not defined on these data: {string.Join(", ", empty.Take(5))}."));
        return checks;
    }

    private static MethodView View() => new(
        "Evaluation of sparse autoencoders",
        "Core metrics run the model with the dictionary's reconstruction in place of the activation, at every kept position, and compare "
            + "loss and next-token distribution with those of the untouched model and of one with the activation zeroed. Metrics against "
            + "planted features match decoder directions to the true ones, one to one. Metrics on texts of classes fit or perturb logistic "
            + "probes on means over tokens.",
        "explained variance = 1 − Σ|x − x̂|² / Σ|x − mean x|²; CE score = (CE zeroed − CE spliced) / (CE zeroed − CE clean); "
            + "KL score = (KL zeroed − KL spliced) / KL zeroed; TPP = accuracy that the class’s own probe loses − mean that the others "
            + "lose; "
            + "SCR = (accuracy ablated − biased) / (clean − biased)",
        "SAEBench (arXiv:2503.09532), SAELens");

    private JsonObject Manifest() => new()
    {
        ["dictionaries"] = new JsonArray([.. dictionaries.Select(d => new JsonObject
        {
            ["name"] = d.Name,
            ["architecture"] = d.Architecture,
            ["d_in"] = d.Sizes.Input,
            ["d_sae"] = d.Sizes.Latents,
            ["hook"] = d.Hook,
        })]),
    };

    private static string Number(double value) => value.ToString("G3", CultureInfo.InvariantCulture);
}
