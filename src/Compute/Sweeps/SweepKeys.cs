using System.Text.RegularExpressions;
using InterpActors.Compute.Interventions;
using InterpActors.Compute.Models;
using InterpActors.Compute.Studies;
using InterpActors.Compute.Sweeps.Latents;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Sweeps;

/// <summary>Reads the keys that span a sweep: <c>components, by, layers, heads, positions, roles, hooks</c> (and <c>sets</c>).</summary>
public static partial class SweepKeys
{
    /// <summary>The help lines of the keys that every sweep takes.</summary>
    public static IReadOnlyList<KeyHelp> Help(string byDefault) =>
    [
        new("components", null, "list of " + string.Join(", ", Components.Words)),
        new("by", byDefault, "position (prompts of one length), role, or all positions at once"),
        new("layers", "all", "list of layers"),
        new("heads", "all", "list of heads; of k and v, key/value heads"),
        new("positions", "all", "list of positions; negative ones count from the end"),
        new("roles", "all", "list of roles, with by = role"),
        new("hooks", "all", "list of hook names, * matches anything; stands in for components where those are absent"),
    ];

    /// <exception cref="StudyException">An unknown word, or something out of the model's or the prompts' range.</exception>
    public static SweepGrid Read(StudySection section, StudyContext study, SweepKeyOptions options)
    {
        var config = study.Model.Config;
        var components = options.Components;
        var by = options.Fixed ? options.ByDefault : section.OneOf("by", ["position", "role", "all"], Word(options.ByDefault)) switch
        {
            "position" => Granularity.Position,
            "role" => Granularity.Role,
            _ => Granularity.All,
        };
        var hooks = section.Texts("hooks");
        var words = options.Fixed ? [.. components.Select(c => c.Word())] : section.Texts("components");
        var setWords = options.Sets ? section.Texts("sets") : null;
        var source = options.Latents && section.Has(LatentSource.Key) ? LatentSource.Read(section, study) : null;
        if (words is null && hooks is null && setWords is null && source is null)
            throw section.Missing("components", "e.g. components = [resid_pre, attn_out, mlp_out, z]");

        var chosen = words is not null ? Chosen(section, words, components, config)
            : hooks is not null ? [.. components.Where(c => Exists(c, config))]
            : [];
        var layers = (section.Ints("layers", 0, config.Layers - 1) ?? [.. Enumerable.Range(0, config.Layers)]).Distinct().Order().ToArray();
        var places = Places(section, study, by);
        var heads = section.Ints("heads", 0, config.Heads - 1)?.Distinct().Order().ToArray();
        var grid = new List<SweepBlock>();
        var setBlocks = (setWords ?? []).Select(w => SetBlock(section, w, config, places)).ToArray();
        var matched = Match(section, hooks, layers, chosen, components, config);
        if (heads is not null && matched.Count > 0 && !matched.Any(m => m.Component.HasHeads()))
            throw section.Wrong("heads", "none of the components has heads", "z, q, k, v and pattern have");
        for (var layer = 0; layer < config.Layers; layer++)
        {
            foreach (var (_, component) in matched.Where(m => m.Layer == layer))
                grid.Add(new SweepBlock(layer, component.Word(), component, Heads(section, heads, component, config), places, null));
            grid.AddRange(setBlocks.Where(b => b.Layer == layer));
            if (source?.Layer == layer) grid.Add(source.Block(places));
        }
        return new SweepGrid(grid, by) { Source = source };
    }

    /// <summary>The number of heads a component has; null where it has none.</summary>
    public static int? HeadCount(Component component, ModelConfig config) =>
        !component.HasHeads() ? null : component is Component.K or Component.V ? config.KeyValueHeads : config.Heads;

    private static string Word(Granularity by) => by.ToString().ToLowerInvariant();

    private static bool Exists(Component component, ModelConfig config) =>
        config.HasMlp || component is not (Component.MlpOut or Component.MlpPost or Component.ResidMid);

    private static Component[] Chosen(StudySection section, IReadOnlyList<string> words, IReadOnlyList<Component> known, ModelConfig config)
    {
        var chosen = new List<Component>();
        var knownWords = known.Select(c => c.Word()).ToArray();
        foreach (var word in words)
        {
            if (!knownWords.Contains(word))
                throw section.Wrong("components", $"'{word}' is not known", StudySection.Nearest(word, knownWords));
            var component = Components.Parse(word);
            if (!Exists(component, config)) throw section.Wrong("components", $"the model has no MLP, so there is no {word}");
            if (chosen.Contains(component)) throw section.Wrong("components", $"'{word}' stands there twice");
            chosen.Add(component);
        }
        if (chosen.Count == 0) throw section.Wrong("components", "is empty");
        return [.. chosen];
    }

    private static List<(int Layer, Component Component)> Match(
        StudySection section, IReadOnlyList<string>? hooks, int[] layers, Component[] chosen, IReadOnlyList<Component> known,
        ModelConfig config)
    {
        var all = layers.SelectMany(l => chosen.Select(c => (Layer: l, Component: c))).ToList();
        if (hooks is null) return all;
        var names = Enumerable.Range(0, config.Layers)
            .SelectMany(l => known.Where(c => Exists(c, config)).Select(c => c.HookName(l))).ToArray();
        var patterns = hooks.Select(h => (Text: h, Pattern: Glob(h))).ToArray();
        foreach (var (text, pattern) in patterns)
        {
            if (!names.Any(n => pattern.IsMatch(n)))
                throw section.Wrong("hooks",
                    $"'{text}' is no hook point of this model that can be written", StudySection.Nearest(text, names));
            if (!all.Any(a => pattern.IsMatch(a.Component.HookName(a.Layer))))
                throw section.Wrong("hooks", $"'{text}' is outside the study's layers and components");
        }
        return [.. all.Where(a => patterns.Any(p => p.Pattern.IsMatch(a.Component.HookName(a.Layer))))];
    }

    private static Regex Glob(string text) =>
        new("^" + Regex.Escape(text).Replace(@"\*", ".*") + "$", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);

    private static int?[] Heads(StudySection section, int[]? heads, Component component, ModelConfig config)
    {
        if (HeadCount(component, config) is not { } count) return [null];
        if (heads is null) return [.. Enumerable.Range(0, count).Select(h => (int?)h)];
        foreach (var head in heads)
            if (head >= count) throw section.Wrong("heads", $"head {head} is out of range for {component.Word()}", $"0 to {count - 1}");
        return [.. heads.Select(h => (int?)h)];
    }

    private static IReadOnlyList<Place> Places(StudySection section, StudyContext study, Granularity by)
    {
        var prompts = study.Task.Prompts;
        var shortest = prompts.Min(p => p.Clean.Length);
        var positions = section.Ints("positions", -shortest, shortest - 1);
        var roles = section.Texts("roles");
        if (positions is not null && by == Granularity.Role)
            throw section.Wrong("positions", "goes with by = position or all", "with by = role use roles");
        if (roles is not null && by != Granularity.Role) throw section.Wrong("roles", "goes with by = role");
        switch (by)
        {
            case Granularity.Position:
                if (!study.Task.OneLength)
                {
                    var other = prompts.First(p => p.Clean.Length != prompts[0].Clean.Length);
                    throw section.Wrong("by",
                        $"by = position needs prompts of one length; {prompts[0].Id} has {prompts[0].Clean.Length} tokens, "
                            + $"{other.Id} has {other.Clean.Length}", "use by = role or by = all");
                }
                return [.. (positions ?? [.. Enumerable.Range(0, shortest)]).Select(p => p < 0 ? p + shortest : p).Distinct().Order()
                    .Select(Place.At)];
            case Granularity.Role:
                var names = prompts[0].Roles.Keys.ToArray();
                if (names.Length == 0)
                    throw section.Wrong("by", $"prompt {prompts[0].Id} has no roles",
                        "give the prompts roles, or use by = position or by = all");
                foreach (var role in roles ?? [])
                    if (!names.Contains(role))
                        throw section.Wrong("roles", $"'{role}' is not a role of {prompts[0].Id}", StudySection.Nearest(role, names));
                var wanted = names.Where(n => roles?.Contains(n) ?? true).ToArray();
                foreach (var prompt in prompts)
                    foreach (var role in wanted)
                        if (!prompt.Roles.TryGetValue(role, out var at) || at.Length == 0)
                            throw section.Wrong("by", $"prompt {prompt.Id} has no role '{role}'",
                                "by = role needs the same roles in every prompt");
                return [.. wanted.Select(Place.In)];
            default:
                return [Place.Everywhere(positions)];
        }
    }

    private static SweepBlock SetBlock(StudySection section, string text, ModelConfig config, IReadOnlyList<Place> places)
    {
        var sites = new List<Site>();
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (HeadWord().Match(word) is { Success: true } head
                && int.TryParse(head.Groups[1].Value, out var layer) && int.TryParse(head.Groups[2].Value, out var index))
            {
                if (layer >= config.Layers || index >= config.Heads)
                    throw section.Wrong("sets", $"'{word}' is out of range", $"{config.Layers} layers, {config.Heads} heads");
                sites.Add(new Site(layer, Component.Z, index));
            }
            else if (MlpWord().Match(word) is { Success: true } mlp && int.TryParse(mlp.Groups[1].Value, out var l))
            {
                if (l >= config.Layers || !config.HasMlp)
                    throw section.Wrong("sets", $"'{word}' is out of range",
                        config.HasMlp ? $"{config.Layers} layers" : "the model has no MLP");
                sites.Add(new Site(l, Component.MlpOut, null));
            }
            else throw section.Wrong("sets", $"'{word}' is neither a head nor an MLP",
                "write a2.h0 for head 0 of layer 2, m3 for the MLP of layer 3");
        }
        if (sites.Count == 0) throw section.Wrong("sets", "holds an empty set");
        if (sites.Distinct().Count() != sites.Count) throw section.Wrong("sets", $"'{text}' names a site twice");
        return new SweepBlock(sites.Min(s => s.Layer), "sets", null, [null], places, sites);
    }

    [GeneratedRegex(@"^a(\d{1,6})\.h(\d{1,6})$")]
    private static partial Regex HeadWord();

    [GeneratedRegex(@"^m(\d{1,6})$")]
    private static partial Regex MlpWord();
}
