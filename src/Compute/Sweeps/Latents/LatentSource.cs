using InterpActors.Compute.Dictionaries;
using InterpActors.Compute.Dictionaries.Files;
using InterpActors.Compute.Interventions;
using InterpActors.Compute.Models;
using InterpActors.Compute.Studies;
using InterpActors.Messages.Studies;
using TorchSharp;

namespace InterpActors.Compute.Sweeps.Latents;

/// <summary>
/// A dictionary whose latents a sweep writes: the section <c>dictionary { sae, hook, latents }</c>. A latent is written with the error term
/// kept: x + (z′ − z) · W_dec, so that only the latent changes, whatever the dictionary fails to reconstruct.
/// </summary>
/// <param name="Folder">Absolute.</param>
/// <param name="Latents">In the order of the file.</param>
/// <param name="Doses">Values that each latent is set to; null where the method has a value of its own.</param>
public sealed record LatentSource(string Folder, Component Component, int Layer, IReadOnlyList<int> Latents, IReadOnlyList<double>? Doses)
{
    public const string Key = "dictionary";

    /// <summary>The help lines of the section.</summary>
    public static KeyHelp Help { get; } = new(Key, null,
        "dictionary { sae = FOLDER, latents = [17, 305], hook = …, doses = […] }: these latents of an SAE are sites of their own, with the "
            + "SAE's error kept; hook is the SAE's own where absent; doses go with value = set");

    /// <exception cref="StudyException">The dictionary cannot be read or does not fit the model.</exception>
    public static LatentSource Read(StudySection method, StudyContext study)
    {
        var section = method.Section(Key);
        var path = section.Text("sae");
        var folder = study.Folder.PathOf(path);
        using var stored = DictionaryFolder.Read(folder, torch.ScalarType.Float32);
        FileHash.PinFolder(section, "sha256", path, study.Folder, "sae", "cfg.json", "config.json", "*.safetensors");
        var dictionary = stored.Dictionary;
        if (!dictionary.Architecture.Reconstructs)
            throw section.Wrong("sae", "is a transcoder, whose latents do not write where they read", "name an autoencoder");
        var config = study.Model.Config;
        var hook = section.OptionalText("hook") ?? dictionary.HookName
            ?? throw section.Missing("hook", "the SAE does not say where it was trained: write hook = blocks.N.hook_resid_post");
        var (component, layer) = Place(section, hook, config);
        var width = SiteValues.Width(config, new Site(layer, component, null));
        if (width != dictionary.Sizes.Input)
            throw section.Wrong("sae", $"it takes activations of width {dictionary.Sizes.Input}, {hook} has {width}",
                "name the hook that it was trained at");
        var latents = section.Ints("latents", 0, dictionary.Sizes.Latents - 1)
            ?? throw section.Missing("latents", "name some, e.g. latents = [17, 305]");
        if (latents.Count == 0) throw section.Wrong("latents", "is empty");
        if (latents.Distinct().Count() != latents.Count) throw section.Wrong("latents", "names a latent twice");
        var doses = section.Numbers("doses");
        if (doses is { Count: 0 }) throw section.Wrong("doses", "is empty");
        if (doses is not null && doses.Distinct().Count() != doses.Count) throw section.Wrong("doses", "names a dose twice");
        return new LatentSource(folder, component, layer, latents, doses);
    }

    /// <summary>One block of cells: latent by latent, place by place.</summary>
    public SweepBlock Block(IReadOnlyList<Place> places) =>
        new(Layer, "latents", Component, [null], places, null)
        {
            Latents = Doses is null ? [.. Latents.Select(l => new LatentSite(l, null))]
                : [.. Latents.SelectMany(l => Doses.Select(d => new LatentSite(l, d)))],
        };

    /// <summary>The dictionary, opened once for the session.</summary>
    internal SparseDictionary Open(StudySession session) =>
        session.Derived((Key, Folder), () => DictionaryFolder.Read(Folder, session.Context.Model.Type)).Dictionary;

    private static (Component, int) Place(StudySection section, string hook, ModelConfig config)
    {
        for (var layer = 0; layer < config.Layers; layer++)
            foreach (var component in Enum.GetValues<Component>())
                if (component.HookName(layer) == hook && component != Component.Pattern
                    && (config.HasMlp || component is not (Component.MlpOut or Component.MlpPost or Component.ResidMid)))
                    return (component, layer);
        throw section.Wrong("hook", $"'{hook}' is no hook point of this model that can be written");
    }
}
