using InterpActors.Compute.Interventions;
using InterpActors.Compute.Studies;
using InterpActors.Compute.Sweeps;
using InterpActors.Compute.Sweeps.Latents;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Methods.Ablation;

/// <summary>What an ablation writes, and where it takes it from.</summary>
/// <param name="Kind">One of <see cref="AblationValues.Words"/>.</param>
/// <param name="FromCorrupted">True where the reference run is the corrupted one.</param>
/// <param name="File">Absolute path of a file of reference activations; null where a run is the reference.</param>
/// <param name="Sigma">Noise level.</param>
public sealed record AblationValue(string Kind, bool FromCorrupted, string? File, double Sigma);

/// <summary>Reads and checks the keys <c>value, reference, sigma</c>.</summary>
internal static class AblationValues
{
    public const string Zero = "zero";
    public const string Mean = "mean";
    public const string MeanByPosition = "mean-by-position";
    public const string MeanByGroup = "mean-by-group";
    public const string Resample = "resample";
    public const string Noise = "noise";

    /// <summary>A latent is set to a dose: steering.</summary>
    public const string Set = "set";

    public static IReadOnlyList<string> Words { get; } = [Zero, Mean, MeanByPosition, MeanByGroup, Resample, Noise, Set];

    /// <exception cref="StudyException">The prompts or the file cannot give such a value.</exception>
    public static AblationValue Read(StudySection method, StudyContext study, SweepGrid grid)
    {
        var kind = method.OneOf("value", Words);
        var reference = method.Text("reference", "clean");
        var sigma = kind == Noise ? method.Number("sigma", 1, 0) : 1;
        if (kind == Noise && sigma == 0) throw method.Wrong("sigma", "must be above 0");
        if (kind != Noise && method.Has("sigma")) throw method.Wrong("sigma", "goes with value = noise");
        var file = reference is "clean" or "corrupted" ? null : study.Folder.PathOf(reference);
        if (file is not null && kind is not (Mean or MeanByPosition))
            throw method.Wrong("reference", $"'{reference}' is neither clean nor corrupted",
                "a file goes with value = mean or mean-by-position");

        if (kind == Resample || (file is null && reference == "corrupted" && kind != Zero))
            if (study.Task.Prompts.FirstOrDefault(p => p.Corrupted is null) is { } single)
                throw new StudyException($"this ablation reads corrupted runs, and prompt {single.Id} has no corrupted twin",
                    method.Where(kind == Resample ? "value" : "reference"),
                    "give it \"corrupt\", or use reference = clean");
        if (kind == MeanByGroup && study.Task.Prompts.FirstOrDefault(p => p.Group is null) is { } lone)
            throw new StudyException($"mean-by-group needs a group for every prompt, and {lone.Id} has none", method.Where("value"),
                "give it \"group\", or use mean-by-position");
        if (grid.Blocks.Any(b => b.Component == Component.Pattern))
        {
            if (kind is Mean or Noise)
                throw method.Wrong("value", $"{kind} is no value for attention patterns, whose rows have different lengths",
                    "use zero, resample, mean-by-position or mean-by-group");
            if (kind == MeanByPosition && !study.Task.OneLength)
                throw method.Wrong("value", "mean-by-position of attention patterns needs prompts of one length", "use mean-by-group");
        }
        CheckLatents(method, grid, kind, file);
        if (file is not null) CheckFile(method, study, grid, kind, file, reference);
        return new AblationValue(kind, reference == "corrupted", file, sigma);
    }

    private static void CheckLatents(StudySection method, SweepGrid grid, string kind, string? file)
    {
        if (kind == Set && (grid.Source is null || grid.Blocks.Any(b => b.Latents is null)))
            throw method.Wrong("value", "set is a value for latents alone",
                "name them in dictionary { sae, latents, doses }, without components");
        if (grid.Source is not { } source) return;
        if (kind == Set != source.Doses is not null)
            throw method.Wrong(LatentSource.Key, kind == Set ? "value = set needs doses" : "doses go with value = set",
                kind == Set ? "e.g. doses = [0, 5, 10]" : "leave doses out");
        if (kind is not (Zero or Mean or Resample or Set) || file is not null)
            throw method.Wrong("value", "latents of a dictionary take zero, mean, resample or set", "means are taken over a run");
    }

    private static void CheckFile(StudySection method, StudyContext study, SweepGrid grid, string kind, string file, string reference)
    {
        FileHash.Pin(method, "reference-sha256", reference, study.Folder, "reference");
        using var tensors = SafetensorsFile.Open(file);
        var longest = study.Task.Prompts.Max(p => p.Clean.Length);
        foreach (var site in grid.Blocks.SelectMany(b => b.Set ?? [new Site(b.Layer, b.Component!.Value, null)]))
        {
            var whole = site with { Head = null };
            if (site.Component == Component.Pattern) throw method.Wrong("reference", "a file cannot hold reference patterns");
            if (!tensors.Tensors.TryGetValue(whole.HookName, out var stored))
                throw method.Wrong("reference", $"'{reference}' has no tensor {whole.HookName}");
            var shape = stored.Shape;
            var width = SiteValues.Width(study.Model.Config, whole);
            var elements = stored.Count;
            if (kind == AblationValues.Mean ? elements != width : elements % width != 0 || elements / width < longest)
                throw method.Wrong("reference", $"{whole.HookName} in '{reference}' has shape [{string.Join(", ", shape)}]",
                    kind == AblationValues.Mean ? $"value = mean needs [{width}]"
                        : $"value = mean-by-position needs [at least {longest}, {width}]");
        }
    }
}
