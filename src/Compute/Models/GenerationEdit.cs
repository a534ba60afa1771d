using InterpActors.Compute.Dictionaries;
using InterpActors.Compute.Dictionaries.Files;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Models;

/// <summary>What a generation edit writes.</summary>
public enum GenerationEditKind
{
    Zero,

    /// <summary>The activation's mean over the tokens of the same forward (the prompt's; a new token is its own mean).</summary>
    Mean,

    /// <summary>The activation times a factor.</summary>
    Scale,

    /// <summary>A latent is set to a value (steering).</summary>
    Set,
}

/// <summary>An intervention on a text as it is generated.</summary>
/// <param name="Hook">A hook point whose first dimension after the batch is the position.</param>
/// <param name="Head">Of points with heads; null for all.</param>
/// <param name="Positions">From 0, prompt and new tokens alike; null for all.</param>
/// <param name="Factor">What is multiplied by, or what a latent is set to.</param>
public sealed record GenerationEdit(string Hook, int? Head, IReadOnlyList<int>? Positions, GenerationEditKind Kind, double Factor)
{
    /// <summary>The dictionary and the latent of it that is written, its error kept; null where the activation itself is.</summary>
    public (SparseDictionary Dictionary, int Index)? Latent { get; init; }

    /// <summary>
    /// Reads <c>edits = [{ hook = blocks.3.attn.hook_z, head = 2, positions = [4, 5], value = zero }]</c>; <c>value</c> is zero, mean
    /// or scale, which takes <c>by</c>. A latent of an SAE: <c>{ sae = FOLDER, latent = 17, value = zero | scale | set }</c>, where set
    /// takes <c>to</c>.
    /// </summary>
    /// <param name="folder">Where relative paths start.</param>
    /// <param name="type">The model's dtype.</param>
    /// <exception cref="StudyException">An edit does not fit the model or the file has a key that nothing reads.</exception>
    public static IReadOnlyList<GenerationEdit> Read(StudyObject root, ModelConfig config, string folder, ScalarType type)
    {
        foreach (var key in root.Keys)
            if (key != "edits")
                throw new StudyException($"unknown key '{key}'", root[key]!.Place.ToString(), "write edits = [{ hook = …, value = zero }]");
        if (root["edits"] is not StudyList { Items.Count: > 0 } list)
            throw new StudyException("no edits", root.Place.ToString(), "write edits = [{ hook = …, value = zero }]");
        return [.. list.Items.SelectMany(item => One(item, config, folder, type))];
    }

    private static IEnumerable<GenerationEdit> One(StudyNode item, ModelConfig config, string folder, ScalarType type)
    {
        if (item is not StudyObject source)
            throw new StudyException("an edit must be an object", item.Place.ToString(), "write { hook = …, value = zero }");
        var section = new StudySection(source, "edits");
        if (section.Has("sae")) return [OfLatent(section, config, folder, type)];
        var hooks = HookNames.Resolve(config, [section.Text("hook")], section.Where("hook"));
        var hasHeads = hooks.All(h => Heads(h, config) > 0);
        int? head = section.Has("head") ? section.Int("head", null, 0, hooks.Min(h => Heads(h, config)) - 1 is var most and >= 0 ? most
            : throw section.Wrong("head", $"{hooks[0]} has no heads", "leave head out")) : null;
        var positions = section.Ints("positions", 0, config.ContextLength - 1);
        var kind = section.OneOf("value", ["zero", "mean", "scale"]) switch
        {
            "zero" => GenerationEditKind.Zero,
            "mean" => GenerationEditKind.Mean,
            _ => GenerationEditKind.Scale,
        };
        var factor = kind == GenerationEditKind.Scale ? section.Number("by") : 0;
        section.Finish();
        if (hooks.FirstOrDefault(h => h.EndsWith("pattern", StringComparison.Ordinal)
            || h.EndsWith("attn_scores", StringComparison.Ordinal)) is { } pattern)
            throw section.Wrong("hook", $"{pattern} cannot be edited while generating", "edit z, q, k, v or a residual stream");
        return hooks.Select(h => new GenerationEdit(h, hasHeads ? head : null, positions, kind, factor));
    }

    private static GenerationEdit OfLatent(StudySection section, ModelConfig config, string folder, ScalarType type)
    {
        // Lives as long as the command that generates.
        var dictionary = DictionaryFolder.Read(Path.Combine(folder, section.Text("sae")), type).Dictionary;
        if (!dictionary.Architecture.Reconstructs)
            throw section.Wrong("sae", "is a transcoder, whose latents do not write where they read", "name an autoencoder");
        var latent = section.Int("latent", null, 0, dictionary.Sizes.Latents - 1);
        var name = section.OptionalText("hook") ?? dictionary.HookName
            ?? throw section.Missing("hook", "the SAE does not say where it was trained: write hook = blocks.N.hook_resid_post");
        if (HookNames.Resolve(config, [name], section.Where("hook")) is not [var hook])
            throw section.Wrong("hook", $"'{name}' names several points", "name one");
        var positions = section.Ints("positions", 0, config.ContextLength - 1);
        var word = section.OneOf("value", ["zero", "scale", "set"]);
        var (kind, factor) = word switch
        {
            "zero" => (GenerationEditKind.Zero, 0.0),
            "scale" => (GenerationEditKind.Scale, section.Number("by")),
            _ => (GenerationEditKind.Set, section.Number("to")),
        };
        section.Finish();
        return new GenerationEdit(hook, null, positions, kind, factor) { Latent = (dictionary, latent) };
    }

    private static int Heads(string hook, ModelConfig config) => hook[(hook.LastIndexOf('.') + 1)..] switch
    {
        "hook_q" or "hook_z" or "hook_rot_q" or "hook_result" or "hook_q_input" or "hook_attn_in" => config.Heads,
        "hook_k" or "hook_v" or "hook_rot_k" or "hook_k_input" or "hook_v_input" => config.KeyValueHeads,
        _ => 0,
    };

    /// <summary>The edited activation; null where none of the positions is among these tokens.</summary>
    /// <param name="x">[1, pos, …]</param>
    /// <param name="first">Position of the first token.</param>
    internal Tensor? Apply(Tensor x, int first, int length)
    {
        using var scope = NewDisposeScope();
        long[] here = [.. Enumerable.Range(0, length).Where(i => Positions is null || Positions.Contains(first + i)).Select(i => (long)i)];
        if (here.Length == 0) return null;
        var chosen = zeros(x.shape, ScalarType.Bool);
        var view = Head is { } h ? chosen.select(2, h) : chosen;
        view.index_fill_(1, tensor(here), true);
        var value = Latent is { } latent ? Written(x, latent.Dictionary, latent.Index) : Kind switch
        {
            GenerationEditKind.Zero => zeros_like(x),
            GenerationEditKind.Mean => x.mean([1L], keepdim: true).expand_as(x),
            _ => x * Factor,
        };
        return where(chosen, value, x).MoveToOuterDisposeScope();
    }

    /// <summary>x + (z′ − z) · W_dec.</summary>
    private Tensor Written(Tensor x, SparseDictionary dictionary, int latent)
    {
        if (dictionary.Sizes.Input != x.shape.Skip(2).Aggregate(1L, (a, b) => a * b))
            throw new StudyException($"the SAE takes activations of width {dictionary.Sizes.Input}, {Hook} has another", "--intervene",
                "name the hook that it was trained at");
        var encoding = dictionary.Encode(dictionary.FlattensHeads ? x : x.flatten(2));
        var code = encoding.Activations.narrow(-1, latent, 1);
        var target = Kind switch
        {
            GenerationEditKind.Zero => zeros_like(code),
            GenerationEditKind.Scale => code * Factor,
            _ => full_like(code, Factor),
        };
        var change = encoding.Frame.RestoreChange((target - code) * dictionary.Weights["W_dec"][latent]);
        return x + change.reshape(x.shape).to_type(x.dtype);
    }

    internal StudyException NeverFired(int tokens) =>
        new($"the edit of {Hook} never fired: its positions {string.Join(", ", Positions ?? [])} are not among the {tokens} tokens",
            "--intervene", "name earlier positions or generate more");
}
