using InterpActors.Compute.Dictionaries.Evaluation;
using InterpActors.Compute.Studies;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Methods.SaeEvaluation;

/// <summary>
/// Reads what metrics on texts of classes ask for: sparse probing, targeted probe perturbation, spurious correlation removal.
/// </summary>
internal static class TextMetrics
{
    public const string SparseProbing = "sparse-probing";
    public const string Tpp = "tpp";
    public const string Scr = "scr";

    private static readonly string[] All = [SparseProbing, Tpp, Scr];

    public static bool Is(string metric) => All.Contains(metric);

    /// <param name="type">Type in which the dictionaries encode.</param>
    /// <exception cref="StudyException">A key is wrong, or the file does not hold what a metric needs.</exception>
    public static IReadOnlyList<EvaluationPart> Read(
        StudySection method, StudyContext study, IReadOnlyList<EvaluatedDictionary> dictionaries, IReadOnlyList<string> metrics,
        ScalarType type) =>
        TextData.Read(method.Section("data"), study, data => (IReadOnlyList<EvaluationPart>)
        [
            .. metrics.Contains(SparseProbing) ? ReadProbing(method, data, dictionaries, type) : [],
            .. metrics.Contains(Tpp) ? ReadAblation(method, study, data, dictionaries, type, isScr: false) : [],
            .. metrics.Contains(Scr) ? ReadAblation(method, study, data, dictionaries, type, isScr: true) : [],
        ]);

    private static EvaluationPart[] ReadProbing(
        StudySection method, TextData data, IReadOnlyList<EvaluatedDictionary> dictionaries, ScalarType type)
    {
        foreach (var tensor in SparseProbingPart.Tensors) data.Need(tensor);
        var section = method.Section("probing");
        var ks = Counts(section, "ks", [1, 2, 5], dictionaries);
        var c = section.Number("C", 1, double.Epsilon, 1e9);
        section.OneOf("solver", ["newton"], "newton");
        foreach (var sae in dictionaries) CheckWidth(method, data, sae);
        return [.. dictionaries.Select(sae => new SparseProbingPart(sae, data, ks, c, type))];
    }

    private static EvaluationPart[] ReadAblation(
        StudySection method, StudyContext study, TextData data, IReadOnlyList<EvaluatedDictionary> dictionaries, ScalarType type,
        bool isScr)
    {
        var section = method.Section("ablation");
        var tops = Counts(section, "top_n", [2, 5, 10], dictionaries);
        long? seed = section.OneOf("negatives", ["first", "random"], "first") == "random" ? study.Seed : null;
        var pairs = isScr ? ScrPairs(data, seed) : TppPairs(data, seed);
        foreach (var sae in dictionaries)
        {
            CheckWidth(method, data, sae);
            if (sae.IsTranscoder)
                throw method.Wrong("metrics", $"{sae.Name} is a transcoder, whose latents write to another place than the probes read",
                    $"{(isScr ? Scr : Tpp)} takes autoencoders");
        }
        return [.. dictionaries.Select(sae => new AblationPart(sae, data, isScr, pairs, tops, type))];
    }

    private static IReadOnlyList<ClassPair> TppPairs(TextData data, long? seed)
    {
        var classes = data.Classes();
        foreach (var name in classes)
            foreach (var split in (string[])[TextData.Train, TextData.Test]) data.Need($"{split}/{name}");
        return [.. classes.Select((name, i) => new ClassPair(name, data.Probe(name),
            new ChosenTexts(data.Others(TextData.Train, classes, i, seed)),
            new ChosenTexts(data.Others(TextData.Test, classes, i, seed))))];
    }

    private static IReadOnlyList<ClassPair> ScrPairs(TextData data, long? seed)
    {
        foreach (var (name, against) in AblationScores.Pairs)
            foreach (var split in (string[])[TextData.Train, TextData.Test])
            {
                data.Need($"{split}/{name}");
                data.Need($"{split}/{against}");
            }
        return [.. AblationScores.Pairs.Select((p, i) => new ClassPair(p.Class, data.Probe(p.Class),
            new ChosenTexts(data.Paired(TextData.Train, p.Class, p.Against, i, seed)),
            new ChosenTexts(data.Paired(TextData.Test, p.Class, p.Against, i, seed))))];
    }

    /// <summary>Numbers of latents, ascending, each once.</summary>
    private static IReadOnlyList<int> Counts(
        StudySection section, string key, int[] otherwise, IReadOnlyList<EvaluatedDictionary> dictionaries)
    {
        var fewest = dictionaries.MinBy(d => d.Sizes.Latents)!;
        var given = section.Ints(key, 1);
        var counts = given ?? [.. otherwise.Where(n => n <= fewest.Sizes.Latents)];
        if (given is null) section.Record(key, counts);
        if (counts.Count == 0) throw section.Wrong(key, "names no number of latents");
        if (counts.Distinct().Count() < counts.Count) throw section.Wrong(key, "names a number twice");
        if (counts.Max() > fewest.Sizes.Latents)
            throw section.Wrong(key, $"{counts.Max()} is more than the {fewest.Sizes.Latents} latents of {fewest.Name}");
        return [.. counts.Order()];
    }

    private static void CheckWidth(StudySection method, TextData data, EvaluatedDictionary sae)
    {
        if (sae.Sizes.Input != data.Width)
            throw method.Wrong("data",
                $"{sae.Name} takes activations of width {sae.Sizes.Input}, the texts of '{data.FileName}' have {data.Width}",
                "use activations of the place that it was trained at");
    }
}
