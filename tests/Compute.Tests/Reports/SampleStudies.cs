using System.Text.Json.Nodes;
using InterpActors.Compute.Interventions;
using InterpActors.Compute.Reports;
using InterpActors.Compute.Tasks;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Compute.Tests.Reports;

/// <summary>Finished studies with made-up but plausible numbers, for the run folder's tests.</summary>
internal static class SampleStudies
{
    private static readonly string[] Tokens =
        ["<bos>", "When", " Mary", " and", " John", " went", " to", " the", " store", ",", " John", " gave", " a", " drink", " to"];

    private const double Span = 18.2;

    /// <summary>Patching: three components by position and heads, as in a small IOI study.</summary>
    public static StudyResult Patching(int layers, int heads, int prompts = 8, bool byRole = false) =>
        Build("ioi-patching", "activation-patching", layers, heads, prompts,
            [.. PatchingRows(layers, prompts, byRole ? ["IO", "S1", "S2", "end"] : null), .. HeadRows(layers, heads, prompts)]);

    /// <summary>Heads alone.</summary>
    public static StudyResult Heads(int layers, int heads, int prompts = 8) =>
        Build("head-patching", "activation-patching", layers, heads, prompts, [.. HeadRows(layers, heads, prompts)]);

    /// <summary>Heads at every position: cells with both a head and a position.</summary>
    public static StudyResult HeadsByPosition(int layers, int heads, int prompts = 8) =>
        Build("heads-by-position", "activation-patching", layers, heads, prompts, [.. HeadRows(layers, heads, prompts).SelectMany(r =>
            Tokens.Select((_, p) => Scaled(r, Math.Exp(-Math.Pow(p - (r.Head!.Value % 2 == 0 ? 14 : 10), 2))) with { Position = p }))]);

    /// <summary>Ablation of heads and attention outputs, without a corrupted run.</summary>
    public static StudyResult Ablation(int layers, int heads, int prompts = 8)
    {
        var rows = HeadRows(layers, heads, prompts).Select(r => Scaled(r, -0.5))
            .Select(r => r with { Direction = null, Value = "mean", Corrupted = null, Patched = 9.3 + r.Effect, Score = r.Effect / 9.3 });
        var result = Build("head-ablation", "ablation", layers, heads, prompts, [.. rows]);
        return result with
        {
            Baselines = result.Baselines! with { Corrupted = null },
            Prompts = [.. result.Prompts.Select(p => p with { CorruptedPieces = null, CorruptedMetric = null })],
            Answer = "Removing head 2.1 lowers the logit difference by 71 %; no other head matters by more than 20 %.",
            Method = new MethodView(
                "Mean ablation", "The output of one head is replaced by its mean over all prompts and positions.",
                "effect = m(clean run with z := mean) − m(clean)", "Wang et al. 2022, section 3"),
        };
    }

    /// <summary>A study without model, task and cells: rows of its own and curves.</summary>
    public static StudyResult Table()
    {
        var steps = Enumerable.Range(0, 1000).Select(t => (double)t).ToArray();
        return Build("sae-sweep", "sae-training", 1, 1, 0, []) with
        {
            Model = null,
            Baselines = null,
            Answer = "The best of 2 dictionaries explains 93 % of the variance with 32 latents a token.",
            Figures = [new Figure("0.93", "explained variance"), new Figure("32", "latents a token")],
            Results = new ExtraTable("results.csv", ["unit", "metric", "value", "n"],
                [["k16", "explained_variance", 0.87, 4096], ["k32", "explained_variance", 0.93, 4096], ["k32", "dead", null, 4096]]),
            Curves = [new CurveChart("Loss", "step",
                [new CurveSeries("k16", steps, [.. steps.Select(t => 2 / (1 + t / 50))]),
                    new CurveSeries("k32", steps, [.. steps.Select(t => t == 500 ? double.NaN : 1 / (1 + t / 50))])])],
        };
    }

    /// <summary>A run with failed units, an interruption, warnings, dropped prompts and a doubtful trust check.</summary>
    public static StudyResult Troubled()
    {
        var good = Patching(6, 4);
        var start = new DateTimeOffset(2025, 3, 4, 10, 0, 0, TimeSpan.Zero);
        return good with
        {
            Rows = [.. good.Rows.Where(r => r.Layer != 3 || r.Head is not null)
                .Select(r => r.Layer == 4 && r.Hook.EndsWith("mlp_out", StringComparison.Ordinal)
                    ? r with { Score = null, Effect = null, EffectSe = null, Patched = null } : r)],
            History = new RunHistory(RunState.CompletedWithErrors, 24, 21,
                [
                    new ProcessHistory("worker-7021", start, null, 9, 8),
                    new ProcessHistory("worker-7300", start.AddMinutes(2), start.AddMinutes(5), 10, 10),
                    new ProcessHistory("worker-7425", start.AddMinutes(9), null, 3, 3),
                ],
                [.. Enumerable.Range(0, 3).Select(t =>
                    new UnitDefeat(3 * 4 + t, $"{good.Plan.Tracks[t].Name} layer 3", 3, "activation holds NaN at position 4"))]),
            Warnings = ["2 prompts were dropped.", "Split-half reliability is low (0.62): more prompts would help."],
            ScoreNotes = ["mlp_out in layer 4 has no score: the denominator is within its noise of 0."],
            Trust =
            [
                .. good.Trust.Take(2), new TrustCheck("Split halves", "doubtful", "agree only loosely (r = 0.62)."),
                new TrustCheck("Units", "bad", "3 of 24 units failed."),
            ],
            Dropped =
            [
                new DroppedPrompt("p8", "' Xavier' is 2 tokens: ' Xav' 'ier'"), new DroppedPrompt("p9", "lengths differ: 15 and 16 tokens"),
            ],
        };
    }

    public static StudyResult Build(string name, string kind, int layers, int heads, int prompts, IReadOnlyList<CellRow> rows)
    {
        const string source = "study {\n  name = ioi-patching\n  seed = 7\n  model { path = \"models/gpt2\" }\n}\n";
        var keys = new JsonObject { ["name"] = name, ["seed"] = 7, ["method"] = new JsonObject { ["kind"] = kind } };
        var canonical = new JsonObject { ["study"] = keys }.ToJsonString();
        var study = new Study(StudyId.From(name, canonical), name, kind, canonical, source, "/studies", new ExecutionSettings(1, "onednn"));
        var plan = new SamplePlan(study, layers, rows);
        var start = new DateTimeOffset(2025, 3, 4, 10, 0, 0, TimeSpan.Zero);
        return new StudyResult(
            plan,
            new RunHistory(RunState.Completed, plan.UnitCount, plan.UnitCount,
                [new ProcessHistory("worker-1", start, start.AddSeconds(41.25), plan.UnitCount, plan.UnitCount)], []),
            new ModelView("SmolLM2-135M", "llama", layers, heads, 134_515_008, new string('a', 64), "/models/smol", "fp32", "none"),
            new Baselines("logit-difference", prompts, new MeanInterval(9.3, 8.9, 9.7), new MeanInterval(-8.9, -9.4, -8.4), 1.0), rows,
            [.. Enumerable.Range(0, prompts).Select(Prompt)],
            new MethodView(
                "Activation patching, denoising",
                "The activation of the clean run is written into the corrupted run, one place at a time; the effect is "
                    + "how far the metric moves.",
                "score = (mean m_patched − mean m_corrupted) / (mean m_clean − mean m_corrupted)", "Heimersheim and Nanda 2024"),
            [
                new TrustCheck("interventions fired", "good", "every one changed the activation it should change."),
                new TrustCheck("Denominator", "good", "18.2, 38 times its standard error."),
                new TrustCheck("Split halves", "good", "rank the cells alike (r = 0.98)."),
            ],
            "Restoring the residual stream at S2 (“ John”) recovers 97 % of the logit difference; after layer 2, the last position does.",
            [], [], [], [], new JsonObject { ["batch_composition"] = "8 prompts a forward", ["fired"] = 1260 });
    }

    private static IEnumerable<CellRow> PatchingRows(int layers, int prompts, string[]? roles)
    {
        var random = new Random(1);
        for (var layer = 0; layer < layers; layer++)
            foreach (var component in new[] { Component.ResidPre, Component.AttnOut, Component.MlpOut })
                for (var slot = 0; slot < (roles?.Length ?? Tokens.Length); slot++)
                {
                    var position = roles is null ? slot : new[] { 2, 4, 10, 14 }[slot];
                    var depth = layer / (double)Math.Max(1, layers - 1);
                    var moved = 1 / (1 + Math.Exp(-14 * (depth - 0.55)));
                    var written = Math.Exp(-Math.Pow((depth - 0.6) * 7, 2)) * (component == Component.MlpOut ? 0.4 : 1);
                    var score = component == Component.ResidPre ? position == 10 ? 1 - moved : position == 14 ? moved : 0
                        : position == 14 ? 0.42 * written : position == 10 ? -0.17 * written : 0;
                    // Positions before the first token that differs cannot matter.
                    if (position >= 10) score += 0.02 * (random.NextDouble() - 0.5);
                    var site = new Site(layer, component, null);
                    yield return Row(site, roles is null ? position : null, roles?[slot], score, prompts, random);
                }
    }

    private static IEnumerable<CellRow> HeadRows(int layers, int heads, int prompts)
    {
        var random = new Random(2);
        for (var layer = 0; layer < layers; layer++)
            for (var head = 0; head < heads; head++)
            {
                var strong = (layer * 7 + head * 3) % 29 == 4 && layer > layers / 3;
                var negative = (layer * 5 + head) % 37 == 9;
                var score = strong ? 0.2 + 0.5 * random.NextDouble() : negative ? -0.22 : 0.03 * (random.NextDouble() - 0.5);
                yield return Row(new Site(layer, Component.Z, head), null, null, score, prompts, random);
            }
    }

    private static CellRow Row(Site site, int? position, string? role, double score, int n, Random random)
    {
        var each = Enumerable.Range(0, n).Select(_ => Span * score * (1 + 0.5 * (random.NextDouble() - 0.5))).ToArray();
        var mean = each.Average();
        double? se = n > 1 ? Math.Sqrt(each.Sum(e => (e - mean) * (e - mean)) / (n - 1) / n) : null;
        return new CellRow(
            site.HookName, site.Layer, site.Head, position, role, "denoising", "clean", "logit-difference", n,
            9.3, -8.9, -8.9 + mean, mean, se, mean / Span, each);
    }

    private static CellRow Scaled(CellRow row, double by) => row with
    {
        Effect = row.Effect * by,
        EffectSe = row.EffectSe * by,
        Score = row.Score * by,
        Patched = -8.9 + row.Effect * by,
        PerPrompt = [.. row.PerPrompt!.Select(e => e * by)],
    };

    private static PromptView Prompt(int i)
    {
        string[] names = ["Mary", "John", "Alice", "Tom", "Anna", "Paul"];
        string io = names[i % 6], subject = names[(i + 1) % 6];
        var clean = Tokens.Select(t => t == " Mary" ? " " + io : t == " John" ? " " + subject : t).ToArray();
        var corrupted = clean.ToArray();
        corrupted[10] = " " + io;
        return new PromptView($"p{i}", $"t{i % 2}", clean, corrupted, " " + io, " " + subject,
            new Dictionary<string, IReadOnlyList<int>> { ["IO"] = [2], ["S1"] = [4], ["S2"] = [10], ["end"] = [14] },
            9.3 + 0.3 * Math.Sin(i), -8.9 + 0.4 * Math.Cos(i));
    }
}

/// <summary>One unit per layer and component, in the order of the rows.</summary>
internal sealed class SamplePlan : IStudyPlan
{
    private readonly int _layers;

    public SamplePlan(Study study, int layers, IReadOnlyList<CellRow> rows)
    {
        Study = study;
        _layers = layers;
        CellCount = rows.Count;
        Tracks = [.. Components.Words.Where(w => rows.Any(r => r.Hook == Components.Parse(w).HookName(r.Layer!.Value)))
            .Select(w => new PlanTrack(w, layers, rows.Count / layers))];
    }

    public Study Study { get; }
    public string Headline => $"SmolLM2-135M ({_layers} layers) · 8 pairs · denoising · logit difference";
    public long UnitCount => (long)_layers * Tracks.Count;
    public long CellCount { get; }

    public IReadOnlyList<LayerUnits> Layers =>
        [.. Enumerable.Range(0, _layers).Select(l => new LayerUnits(l, (long)l * Tracks.Count, Tracks.Count))];

    public IReadOnlyList<PlanTrack> Tracks { get; }
    public PlanEstimate Estimate => new(1, 1, 1, 0);

    public WorkUnit this[long ordinal]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(ordinal, UnitCount);
            var track = (int)(ordinal % Tracks.Count);
            var layer = (int)(ordinal / Tracks.Count);
            return new WorkUnit(Study.Id, ordinal, layer, track, EngineKind.Patching, 1, $"{Tracks[track].Name} layer {layer}");
        }
    }
}
