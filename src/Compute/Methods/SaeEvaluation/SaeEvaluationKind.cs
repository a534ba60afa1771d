using InterpActors.Compute.Dictionaries.Data;
using InterpActors.Compute.Dictionaries.Evaluation;
using InterpActors.Compute.Models;
using InterpActors.Compute.Studies;
using InterpActors.Messages.Studies;
using TorchSharp;

namespace InterpActors.Compute.Methods.SaeEvaluation;

/// <summary>How good dictionaries are: spliced into a model, against planted features, against each other.</summary>
public sealed class SaeEvaluationKind : IStudyKind
{
    private const string Core = "core";
    private const string GroundTruth = "ground-truth";
    private const string Tree = "tree";
    private const string AbsorptionWord = "absorption";
    private const string Agreement = "agreement";

    private const string Features = "features";

    private static readonly string[] Metrics =
        [Core, Features, GroundTruth, Tree, AbsorptionWord, Agreement, TextMetrics.SparseProbing, TextMetrics.Tpp, TextMetrics.Scr];

    public string Name => "sae-evaluation";

    public bool TakesTask => false;

    public IReadOnlyList<string> Devices => [DeviceNames.Cpu];

    public StudyKindHelp Help { get; } = new(
        "how good sparse autoencoders are: in a model, against planted features, as probes, against each other",
        [
            new("sae", null, "the folder of an SAE, or a list of them (SAELens, sparsify, dictionary_learning layouts)"),
            new("from", null, "instead of sae: the run folder of an sae-training study; every SAE of it, or units = [names]"),
            new("metrics", Core, "a list of: " + string.Join(", ", Metrics)),
            new("hook", "the SAE's own", "with core, features: where the SAE reads the model"),
            new("data", null, "with core, features: data { kind = tokens | chat, file, tensor, context, exclude_tokens, max_norm }: "
                + "max_norm leaves out rows longer than so many times their shard's median, as in sae-training"),
            new("data, texts", null, "with sparse-probing, tpp, scr: data { kind = texts, file }: activations [texts, tokens, d] by token, "
                + "rows of zeros being padding; sparse-probing: train/positive, train/negative, test/…; tpp, scr: train/CLASS, test/CLASS, "
                + "probe/CLASS/weight, probe/CLASS/bias"),
            new("contexts", "8", "with features: contexts a latent"),
            new("logits", "10", "with features: tokens that a latent raises, and lowers, that are listed"),
            new("batch_prompts", "16", "with core: sequences that are run together"),
            new("density_bins", "20", "with core: bins of log10(density + 1e-10) from −10 to 0"),
            new("truth", null,
                "with ground-truth, tree, absorption: truth { file, features, acts, x, families = [[parent, child, …], …] }"),
            new("absorption", null, "with absorption: absorption { rows_per_parent = 200, main = best-cosine, latents_max = 3, "
                + "cosine_full = 0.025, cosine_fraction = 0.1, projection = 0.4 }"),
            new("probing", null,
                "with sparse-probing: probing { ks = [1, 2, 5], C = 1.0, solver = newton }: latents a probe, weight of the data"),
            new("ablation", null,
                "with tpp, scr: ablation { top_n = [2, 5, 10], negatives = first | random }: latents that are ablated; which texts "
                + "of other classes a class is told apart from"),
            new("dtype", "fp64", "with sparse-probing, tpp, scr: fp64 or fp32, in which the SAE encodes"),
        ],
        "explained variance = 1 − Σ|x − x̂|² / Σ|x − mean x|²; CE score = (CE zeroed − CE spliced) / (CE zeroed − CE clean); "
            + "MCC = mean |cosine| of the best one-to-one matching; TPP = accuracy that a class's probe loses without its latents − "
            + "mean that others lose",
        "core: 3 forwards a sequence and dictionary; sparse-probing: every text encoded once; tpp, scr: every test text once a class",
        "Karvonen et al. 2025 (SAEBench, arXiv:2503.09532), SAELens; arXiv:2409.14507 for absorption; arXiv:2305.01610 for sparse probing; "
            + "arXiv:2411.18895 for tpp, scr; arXiv:2505.20254 for agreement");

    /// <inheritdoc/>
    public IStudyMethod Read(StudySection method, StudyContext study)
    {
        var dictionaries = EvaluatedDictionary.ReadAll(method, study);
        var metrics = method.Texts("metrics", [Core])!;
        foreach (var metric in metrics)
            if (!Metrics.Contains(metric)) throw method.Wrong("metrics", $"'{metric}' is not known", StudySection.Nearest(metric, Metrics));
        if (metrics.Count == 0) throw method.Wrong("metrics", "names none", "known: " + string.Join(", ", Metrics));

        var parts = new List<EvaluationPart>();
        var type = study.GivenModel?.Type ?? torch.ScalarType.Float64;
        if (metrics.FirstOrDefault(TextMetrics.Is) is { } onTexts)
        {
            if (metrics.FirstOrDefault(m => m is Core or Features) is { } onTokens)
                throw method.Wrong("metrics", $"{onTokens} needs other data than {onTexts}", "make two studies of them");
            method.Section("data").OneOf("kind", [TextData.Kind]);
            type = method.OneOf("dtype", ["fp64", "fp32"], "fp64") == "fp64" ? torch.ScalarType.Float64 : torch.ScalarType.Float32;
            parts.AddRange(TextMetrics.Read(method, study, dictionaries, metrics, type));
        }
        if (metrics.Any(m => m is Core or Features)) parts.AddRange(ReadModelParts(method, study, dictionaries, metrics));
        if (metrics.Any(m => m is GroundTruth or Tree or AbsorptionWord)) parts.AddRange(ReadTruth(method, study, dictionaries, metrics));
        if (metrics.Contains(Agreement) && !Pairs(dictionaries).Any())
            throw method.Wrong("metrics", "agreement needs two SAEs of the same architecture and sizes",
                method.Has("from") ? "train it with sweep { seed = [0, 1] }" : "name another one under sae");
        if (metrics.Contains(Agreement) || metrics.Contains(GroundTruth))
            parts.AddRange(Pairs(dictionaries).Select(p => new AgreementPart(p.One, p.Other)));
        return new SaeEvaluationMethod(study, dictionaries, parts, type);
    }

    private static IEnumerable<EvaluationPart> ReadModelParts(
        StudySection method, StudyContext study, IReadOnlyList<EvaluatedDictionary> dictionaries, IReadOnlyList<string> metrics)
    {
        var (core, features) = (metrics.Contains(Core), metrics.Contains(Features));
        if (study.GivenModel is not { } model)
            throw method.Wrong("metrics", $"{(core ? Core : Features)} needs a model to run the SAE in",
                "add model { path = … } to the study");
        var section = method.Section("data");
        var data = TokenData.Read(section, section.OneOf("kind", [DataKinds.Tokens, DataKinds.Chat]), study);
        var hook = method.OptionalText("hook");
        // Absent it is absent from the canonical form too: studies keep the ids that they had before there was such a key.
        var maxNorm = section.Scalars("max_norm") is null ? 0 : section.Number("max_norm", min: 0);
        var sites = dictionaries.Select(sae => SiteOf(sae, hook, method, model.Config)).ToArray();
        var rows = sites.DistinctBy(s => s.Hook)
            .ToDictionary(s => s.Hook, s => new KeptRows(new HarvestPlan(data, s, model, maxNorm)));
        if (core)
        {
            var batch = method.Int("batch_prompts", data.PerBatch ?? 16, 1);
            var bins = method.Int("density_bins", 20, 1, 1000);
            foreach (var (sae, site) in dictionaries.Zip(sites))
            {
                if (sae.IsTranscoder)
                    throw method.Wrong("sae", $"{sae.Name} is a transcoder, which reconstructs another place", "core takes autoencoders");
                yield return new CorePart(sae, data, rows[site.Hook], site.Hook, batch, bins, model.Config.Name);
            }
        }
        if (!features) yield break;
        var contexts = method.Int("contexts", 8, 1, 64);
        var logits = method.Int("logits", 10, 1, 64);
        foreach (var (sae, site) in dictionaries.Zip(sites))
            yield return new FeaturePart(sae, data, rows[site.Hook], site, study, contexts, logits);
    }

    private static HarvestSite SiteOf(EvaluatedDictionary sae, string? hook, StudySection method, ModelConfig config)
    {
        var name = hook ?? sae.Hook
            ?? throw method.Missing("hook", $"{sae.Name} does not say where it was trained: write hook = blocks.N.hook_resid_post");
        var site = HarvestSite.Of(name, config, method.Where("hook"));
        return site.Width == sae.Sizes.Input ? site
            : throw method.Wrong("sae", $"{sae.Name} takes activations of width {sae.Sizes.Input}, {site.Hook} has {site.Width}",
                "name the hook that it was trained at");
    }

    private static IEnumerable<EvaluationPart> ReadTruth(
        StudySection method, StudyContext study, IReadOnlyList<EvaluatedDictionary> dictionaries, IReadOnlyList<string> metrics)
    {
        var truth = PlantedTruth.Read(method.Section("truth"), study);
        foreach (var sae in dictionaries)
            if (sae.Sizes.Input != truth.Width || sae.Sizes.Output != truth.Width)
                throw method.Wrong("sae", $"{sae.Name} takes activations of width {sae.Sizes.Input}, the planted rows have {truth.Width}");
        if (truth.Families.Count == 0 && metrics.FirstOrDefault(m => m is Tree or AbsorptionWord) is { } asked)
            throw method.Wrong("truth", $"{asked} needs families of features", "write truth { families = [[parent, child, …]] }");
        if (metrics.Contains(GroundTruth)) foreach (var sae in dictionaries) yield return new GroundTruthPart(sae, truth);
        if (metrics.Contains(Tree)) foreach (var sae in dictionaries) yield return new TreePart(sae, truth);
        if (!metrics.Contains(AbsorptionWord)) yield break;
        var section = method.Section("absorption");
        section.OneOf("main", ["best-cosine"], "best-cosine");
        var rows = section.Int("rows_per_parent", 200, 1);
        var limits = new AbsorptionLimits(section.Int("latents_max", 3, 1), section.Number("cosine_full", 0.025),
            section.Number("cosine_fraction", 0.1),
            section.Number("projection", 0.4));
        foreach (var sae in dictionaries) yield return new AbsorptionPart(sae, truth, limits, rows);
    }

    /// <summary>
    /// Dictionaries that differ by their seed: of the same architecture and sizes, and of one sweep point where they are of a run.
    /// </summary>
    private static IEnumerable<(EvaluatedDictionary One, EvaluatedDictionary Other)> Pairs(IReadOnlyList<EvaluatedDictionary> all) =>
        from i in Enumerable.Range(0, all.Count)
        from j in Enumerable.Range(i + 1, all.Count - i - 1)
        where all[i].Architecture == all[j].Architecture && all[i].Sizes == all[j].Sizes && all[i].Kin == all[j].Kin
        select (all[i], all[j]);
}
