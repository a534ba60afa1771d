using System.Globalization;
using System.Text.Json.Nodes;
using InterpActors.Compute.Reports;
using InterpActors.Compute.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Compute.Methods.SaeTraining;

/// <summary>Makes the result of a training study: <c>training.csv</c>, one row a dictionary in <c>results.*</c>, curves, links to the saved
/// folders.</summary>
internal sealed class TrainingResult(
    StudyContext study, SaeTrainingPlan plan, IReadOnlyList<ExpectedOrder> orders, Reduction reduction)
{
    // So many errors on special tokens are worth a place at the report's head; all are in the table.
    private const int MostSpecial = 6;

    private static readonly string[] Curves = ["loss", "l0", "explained_variance", "dead"];

    private readonly List<(TrainingSettings Settings, TrainingPayload Payload, TrainingLog Log)> _trained = [];
    private readonly List<string> _missing = [];

    public StudyReduction Make()
    {
        for (long ordinal = 0; ordinal < plan.UnitCount; ordinal++)
        {
            if (plan.Dictionary(ordinal) is not { } dictionary) continue;
            if (reduction.Payloads(ordinal) is not { } bytes)
            {
                _missing.Add(dictionary.Name);
                continue;
            }
            var payload = TrainingPayload.Parse(bytes);
            _trained.Add((dictionary, payload, TrainingLog.Parse(payload.Log, dictionary.Plan.Architecture.LossTerms)));
        }
        var result = new StudyResult(reduction.Plan, reduction.History, Model(), null, [], [], View(), Trust(), Answer(), Warnings(), [],
            [Training()], [], Manifest())
        {
            Results = Summary(),
            Figures = Figures(),
            Curves = [.. Curves.Select(Chart).Where(c => c.Series.Count > 0)],
            Linked = [.. _trained.SelectMany(t => t.Payload.Files)],
        };
        return new StudyReduction(result, _trained.Count == 0);
    }

    /// <summary>What is measured of every dictionary at its end.</summary>
    private IReadOnlyList<string> FigureNames => [.. plan.All.SelectMany(d => ExpectedLine.Figures(d.Arm, d.Plan.Architecture)).Distinct()];

    private IReadOnlyList<string> Terms => [.. plan.All.SelectMany(d => d.Plan.Architecture.LossTerms).Distinct()];

    /// <summary>A row a logged step; loss terms of other architectures are empty. A column <c>k</c> where any schedule moves it.</summary>
    private ExtraTable Training()
    {
        string[] columns = ["unit", "step", "tokens", "lr", "coefficient", "loss", .. Terms, "l0", "dead", "grad_norm", "threshold",
            "explained_variance", .. plan.All.Any(d => d.SchedulesK) ? ["k"] : Array.Empty<string>()];
        var rows = new List<IReadOnlyList<object?>>();
        foreach (var (settings, _, log) in _trained)
        {
            var at = columns.Select(c => log.Columns.ToList().IndexOf(c)).ToArray();
            rows.AddRange(log.Rows.Select(row =>
                (IReadOnlyList<object?>)[.. columns.Select((c, i) => c switch
                {
                    "unit" => settings.Name,
                    "k" => settings.Plan.Architecture.KeptAt((long)row[0]),
                    _ => Cell(c, at[i] < 0 ? double.NaN : row[at[i]]),
                })]));
        }
        return new ExtraTable("training.csv", columns, rows);
    }

    private ExtraTable Summary()
    {
        string[] columns = ["unit", "architecture", "hook", "d_in", "d_sae", "seed", "steps", "tokens", "scaling_factor", "loss", .. Terms,
            "l0", "explained_variance",
            "dead", "alive", "threshold", .. FigureNames];
        return new ExtraTable("results.csv", columns,
            [.. _trained.Select(t => (IReadOnlyList<object?>)[.. columns.Select(c => Value(t.Settings, t.Payload, t.Log, c))])]);
    }

    private object? Value(TrainingSettings settings, TrainingPayload payload, TrainingLog log, string column) => column switch
    {
        "unit" => settings.Name,
        "architecture" => settings.Plan.Architecture.Name,
        "hook" => settings.Arm.Data.Hook,
        "d_in" => settings.Plan.Sizes.Input,
        "d_sae" => settings.Plan.Sizes.Latents,
        "seed" => settings.Seed,
        "steps" => settings.Steps,
        "scaling_factor" => payload.ScalingFactor,
        "alive" => payload.Alive,
        _ when payload.Figure(column) is { } figure => Cell(column, figure),
        _ => log.Columns.Contains(column) && log.Last(column) is { } last ? Cell(column, last) : null,
    };

    private static object? Cell(string column, double value) =>
        double.IsNaN(value) ? null : TrainingLog.IsWhole(column) ? (object)(long)value : value;

    private CurveChart Chart(string column) => new(column.Replace('_', ' '), "step", [.. _trained.Select(t =>
    {
        var at = t.Log.Columns.ToList().IndexOf(column);
        return new CurveSeries(t.Settings.Name, [.. t.Log.Rows.Select(r => r[0])], [.. t.Log.Rows.Select(r => r[at])]);
    }).Where(s => s.Y.Any(double.IsFinite))]);

    /// <summary>The dictionary that explains most: of the held-out rows where all are measured on them, else of its last batch.</summary>
    private (TrainingSettings Settings, double Explained, double? L0, string Of)? Best()
    {
        var isMeasured = _trained.TrueForAll(t => t.Payload.Figure("eval_explained_variance") is not null);
        var known = _trained.Select(t => isMeasured
            ? (t.Settings, Explained: t.Payload.Figure("eval_explained_variance")!.Value, L0: t.Payload.Figure("eval_l0"), "the held-out rows")
            : (t.Settings, Explained: t.Log.Last("explained_variance") ?? double.NaN, L0: t.Log.Last("l0"), "its last batch"))
            .Where(t => double.IsFinite(t.Explained)).ToList();
        return known.Count == 0 ? null : known.MaxBy(t => t.Explained);
    }

    private string Answer()
    {
        if (_trained.Count == 0) return "No dictionary was trained to the end.";
        var head = _trained.Count == 1 ? $"One dictionary of {_trained[0].Settings.Plan.Sizes.Latents} latents was trained"
            : $"{_trained.Count} dictionaries were trained";
        var steps = _trained.Max(t => t.Settings.Steps);
        var hooks = plan.All.Select(d => d.Arm.Data.Hook).Distinct().ToArray();
        var where = hooks.Length == 1 ? hooks[0] : $"{hooks.Length} hooks";
        var text = $"{head} at {where} for {steps:N0} steps of {plan.All[0].Arm.Data.Batch:N0} rows";
        if (SpecialTokens() is { } errors) return text + errors;
        if (Best() is not { } best) return text + ".";
        var who = _trained.Count == 1 ? "it" : best.Settings.Name;
        return text + Invariant($"; {who} explains {best.Explained:P1} of the variance of {best.Of} with L0 {best.L0:0.#}.");
    }

    /// <summary>The table of FAST in a sentence: errors by data, means over the dictionaries of each; null where there is none.</summary>
    private string? SpecialTokens()
    {
        var arms = _trained.Where(t => t.Payload.Figure("eval_mse_special") is not null).GroupBy(t => t.Settings.Arm.Name).ToArray();
        if (arms.Length < 2) return null;
        string Of(IEnumerable<(TrainingSettings Settings, TrainingPayload Payload, TrainingLog Log)> arm, string figure) =>
            Invariant($"{arm.Average(t => t.Payload.Figure(figure) ?? double.NaN):G3}");
        return ". On held-out data the squared error of special tokens (of all tokens) is "
            + string.Join(", ", arms.Select(a => $"{Of(a, "eval_mse_special")} ({Of(a, "eval_mse")}) for {a.Key}")) + ".";
    }

    private List<Figure> Figures()
    {
        var figures = new List<Figure>();
        if (_trained.Count == 0) return figures;
        // Of several dictionaries the one that the first sentence names.
        var (shown, payload, log) = Best() is { } best ? _trained.First(t => t.Settings == best.Settings) : _trained[0];
        string Named(string words) => _trained.Count == 1 ? words : $"{words}, {shown.Name}";
        if (Best() is { } most) figures.Add(new Figure(Invariant($"{most.Explained:0.000}"), Named($"explained variance of {most.Of}")));
        figures.Add(new Figure(Invariant($"{Best()?.L0 ?? log.Last("l0"):0.#}"), Named("latents on a row (L0)")));
        if (_trained[0].Payload.Planted is { } planted) figures.Add(new Figure(Invariant($"{planted["mcc"]:0.000}"),
            _trained.Count == 1 ? "MCC with the planted features" : $"MCC of {_trained[0].Settings.Name} with the planted features"));
        figures.AddRange(_trained.Select(t => (t.Settings.Name, Error: t.Payload.Figure("eval_mse_special")))
            .Where(t => t.Error is not null).Take(MostSpecial)
            .Select(t => new Figure(Invariant($"{t.Error:G4}"), $"error on special tokens, {t.Name}")));
        figures.Add(new Figure(Invariant($"{payload.Alive} of {shown.Plan.Sizes.Latents}"), Named("latents fired in training")));
        return figures;
    }

    private List<TrustCheck> Trust()
    {
        var checks = new List<TrustCheck>
        {
            _missing.Count == 0 ? new TrustCheck("complete", "good", "every dictionary was trained to its last step")
                : new TrustCheck("complete", "bad",
                    $"{_missing.Count} of {_missing.Count + _trained.Count} dictionaries were not trained to the end"),
        };
        if (_trained.Count == 0) return checks;
        checks.AddRange(plan.All.SelectMany(d => d.Expected).Distinct().Select(Judged));
        checks.AddRange(orders.Select(order =>
            order.Judge(plan.All, d => _trained.Find(t => t.Settings == d).Payload?.Figure(order.Column))));
        var (settings, payload, log) = _trained.MaxBy(t => (t.Log.Last("dead") ?? 0) / t.Settings.Plan.Sizes.Latents);
        var dead = (log.Last("dead") ?? 0) / settings.Plan.Sizes.Latents;
        if (settings.Steps < settings.Plan.DeadWindow)
        {
            // Nothing counts as dead yet.
            var (fewest, alive, _) = _trained.MinBy(t => t.Payload.Alive / (double)t.Settings.Plan.Sizes.Latents);
            var silent = 1 - alive.Alive / (double)fewest.Plan.Sizes.Latents;
            checks.Add(new TrustCheck("dead latents", Light(silent), Invariant(
                $"{silent:P0} of the latents of {fewest.Name} never fired; training was too short to count others as dead")));
            return checks;
        }
        checks.Add(new TrustCheck("dead latents", Light(dead),
            Invariant($"{dead:P0} of the latents of {settings.Name} had not fired for {settings.Plan.DeadWindow:N0} steps at its end; ")
                + Invariant($"{payload.Alive:N0} fired at some time")));
        return checks;
    }

    /// <param name="share">Of latents that do nothing.</param>
    private static string Light(double share) => share < 0.1 ? "good" : share < 0.5 ? "doubtful" : "bad";

    /// <summary>A line for those dictionaries that it is drawn for.</summary>
    private TrustCheck Judged(ExpectedLine line)
    {
        if (line.Column == ExpectedLine.Seconds)
            return line.Judge([("the whole run", SummaryJson.Seconds(reduction.History))], null);
        var drawn = plan.All.Where(d => d.Expected.Contains(line)).ToArray();
        var of = drawn.Length == plan.All.Count ? null : string.Join(", ", drawn.Select(d => d.Plan.Architecture.Name).Distinct());
        return line.Judge([.. drawn.Select(d =>
            (d.Name, _trained.Find(t => t.Settings == d).Payload?.Figure(line.Column) ?? double.NaN))], of);
    }

    private List<string> Warnings() =>
        [.. _missing.Take(20).Select(m => $"{m} was not trained to its end"), .. _missing.Count > 20
            ? [$"{_missing.Count - 20} more were not trained to their end"] : Array.Empty<string>()];

    private ModelView? Model() => study.GivenModel is not { } model ? null
        : new ModelView(model.Config.Name, model.Config.Family, model.Config.Layers, model.Config.Heads, null, model.Sha256, model.Path,
            model.Dtype, model.ProcessingWord);

    private static MethodView View() => new("SAE training",
        "Sparse autoencoders learn to write each activation as a sum of a few of many directions. What each one's loss consists of "
            + "stands in training.csv, "
            + "step by step; the folders beside this report open in SAELens.",
        "loss = mean over rows of the squared error summed over the width + the architecture's sparsity terms; Adam, gradients "
            + "clipped together",
        "SAELens 6");

    private JsonObject Manifest() => new()
    {
        ["hook"] = plan.All[0].Arm.Data.Hook,
        ["d_in"] = plan.All[0].Arm.Data.Width,
        ["batch"] = plan.All[0].Arm.Data.Batch,
        ["dictionaries"] = new JsonObject(plan.All.Select(d => KeyValuePair.Create(d.Name, (JsonNode?)new JsonObject
        {
            ["architecture"] = d.Plan.Architecture.Name,
            ["data"] = d.Arm.Name,
            ["hook"] = d.Arm.Data.Hook,
            ["d_sae"] = d.Plan.Sizes.Latents,
            ["seed"] = d.Seed,
            ["steps"] = d.Steps,
            ["lr"] = d.Plan.LearningRate.Rate,
            ["k"] = d.Plan.Architecture.KeptAt(d.Steps - 1),
            ["k_start"] = d.SchedulesK ? d.Plan.Architecture.KeptAt(0) : null,
        }))),
    };

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
