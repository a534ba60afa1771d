using System.Globalization;
using System.Text.RegularExpressions;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Models;

/// <summary>A named place in the forward pass.</summary>
/// <param name="Name">The TransformerLens name, e.g. <c>blocks.4.attn.hook_z</c>; <c>logits</c> for the output.</param>
/// <param name="Shape">Its shape without the batch dimension for people, e.g. <c>[pos, 12, 64]</c>.</param>
/// <param name="OnRequest">True where the point only exists in a forward that reads or writes it, because it costs memory: globs leave it
/// out unless they end in its own name.</param>
public sealed record HookPoint(string Name, string Shape, bool OnRequest = false);

/// <summary>All hook points of a model, and the names and patterns by which users ask for them.</summary>
public static partial class HookNames
{
    /// <summary>The name under which the logits <c>[pos, d_vocab]</c> are read and written.</summary>
    public const string Logits = "logits";

    private static readonly Dictionary<string, string> Shorts = new(StringComparer.Ordinal)
    {
        ["attn"] = "pattern",
        ["attn_logits"] = "attn_scores",
        ["query"] = "q",
        ["key"] = "k",
        ["value"] = "v",
        ["mlp_pre"] = "pre",
        ["mlp_post"] = "post",
        ["mlp_pre_linear"] = "pre_linear",
    };

    private static readonly HashSet<string> AttentionNames = ["q", "k", "v", "z", "rot_q", "rot_k", "result", "pattern", "attn_scores"];
    private static readonly HashSet<string> MlpNames = ["pre", "post", "pre_linear"];

    private static readonly Dictionary<string, string> BridgeNames = new(StringComparer.Ordinal)
    {
        ["hook_in"] = "hook_resid_pre",
        ["hook_out"] = "hook_resid_post",
        ["attn.hook_out"] = "hook_attn_out",
        ["mlp.hook_out"] = "hook_mlp_out",
        ["attn.q.hook_out"] = "attn.hook_q",
        ["attn.k.hook_out"] = "attn.hook_k",
        ["attn.v.hook_out"] = "attn.hook_v",
        ["attn.o.hook_in"] = "attn.hook_z",
        ["mlp.hook_in"] = "hook_mlp_in",
    };

    /// <summary>Every hook point, in the order of the forward pass.</summary>
    public static IReadOnlyList<HookPoint> All(ModelConfig config)
    {
        var points = new List<HookPoint>();
        string stream = Shape("pos", config.ModelWidth), scale = Shape("pos", 1);
        string queries = Shape("pos", config.Heads, config.HeadWidth), keys = Shape("pos", config.KeyValueHeads, config.HeadWidth);
        string pattern = Shape(config.Heads, "query", "key"), hidden = Shape("pos", config.MlpWidth);
        string queryInput = Shape("pos", config.Heads, config.ModelWidth), keyInput = Shape("pos", config.KeyValueHeads, config.ModelWidth);

        points.Add(new("hook_embed", stream));
        if (config.Positions == PositionKind.Learned) points.Add(new("hook_pos_embed", stream));
        for (var layer = 0; layer < config.Layers; layer++)
        {
            void Add(string name, string shape, bool onRequest = false) => points.Add(new($"blocks.{layer}.{name}", shape, onRequest));
            Add("hook_resid_pre", stream);
            if (config.Heads == config.KeyValueHeads) Add("hook_attn_in", queryInput, true);
            Add("hook_q_input", queryInput, true);
            Add("hook_k_input", keyInput, true);
            Add("hook_v_input", keyInput, true);
            Norm(Add, "ln1.");
            Add("attn.hook_q", queries);
            Add("attn.hook_k", keys);
            Add("attn.hook_v", keys);
            if (config.Positions == PositionKind.Rotary)
            {
                Add("attn.hook_rot_q", queries);
                Add("attn.hook_rot_k", keys);
            }
            Add("attn.hook_attn_scores", pattern);
            Add("attn.hook_pattern", pattern);
            Add("attn.hook_z", queries);
            Add("attn.hook_result", queryInput, true);
            Add("hook_attn_out", stream);
            if (config.HasMlp)
            {
                Add("hook_resid_mid", stream);
                Add("hook_mlp_in", stream, true);
                Norm(Add, "ln2.");
                Add("mlp.hook_pre", hidden);
                if (config.GatedMlp) Add("mlp.hook_pre_linear", hidden);
                Add("mlp.hook_post", hidden);
                Add("hook_mlp_out", stream);
            }
            Add("hook_resid_post", stream);
        }
        Norm((name, shape, _) => points.Add(new(name, shape)), "ln_final.");
        points.Add(new(Logits, Shape("pos", config.Vocabulary)));
        return points;

        void Norm(Action<string, string, bool> add, string prefix)
        {
            if (config.Norm == NormKind.None) return;
            add(prefix + "hook_scale", scale, false);
            add(prefix + "hook_normalized", stream, false);
        }
    }

    /// <summary>
    /// The hook points that names, short forms (<c>resid_pre</c>, <c>z</c>, <c>pattern</c>, <c>z4</c>, <c>scale4ln1</c>), TransformerBridge
    /// names and globs (<c>*</c>, <c>?</c>, <c>{0,3}</c>) stand for: each once, in the order of the forward pass.
    /// </summary>
    /// <param name="where">What a message says about the place of the names, e.g. <c>--save</c>.</param>
    /// <exception cref="StudyException">A name is unknown (the message gives the nearest one) or a glob matches nothing.</exception>
    public static IReadOnlyList<string> Resolve(ModelConfig config, IEnumerable<string> names, string? where = null)
    {
        var points = All(config);
        var chosen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in names)
        {
            var found = Match(points, name.Trim()).ToList();
            if (found.Count == 0) throw Unknown(points, name.Trim(), where);
            chosen.UnionWith(found);
        }
        return [.. points.Select(p => p.Name).Where(chosen.Contains)];
    }

    private static IEnumerable<string> Match(IReadOnlyList<HookPoint> points, string name)
    {
        if (name.AsSpan().IndexOfAny("*?{") >= 0)
        {
            var pattern = GlobToRegex(name);
            var last = name[(name.LastIndexOf('.') + 1)..];
            return points.Where(p => pattern.IsMatch(p.Name) && (!p.OnRequest || p.Name.EndsWith("." + last, StringComparison.Ordinal)))
                .Select(p => p.Name);
        }
        var candidates = Candidates(name).ToHashSet(StringComparer.Ordinal);
        return points.Where(p => candidates.Contains(p.Name) || candidates.Contains(WithoutLayer(p.Name))).Select(p => p.Name);
    }

    /// <summary>Full names, with <c>blocks.#</c> where a short form leaves the layer open.</summary>
    private static IEnumerable<string> Candidates(string name)
    {
        yield return name;
        if (BlockName().Match(name) is { Success: true } block && BridgeNames.TryGetValue(block.Groups[2].Value, out var bridged))
            yield return $"blocks.{block.Groups[1].Value}.{bridged}";
        if (name is "embed.hook_out" or "embed") yield return "hook_embed";
        if (name is "pos_embed.hook_out" or "pos_embed") yield return "hook_pos_embed";
        if (name is "unembed.hook_out") yield return Logits;

        var packed = PackedName().Match(name);
        if (!packed.Success) yield break;
        var word = packed.Groups["word"].Value;
        if (word.StartsWith("hook_", StringComparison.Ordinal)) word = word[5..];
        word = Shorts.GetValueOrDefault(word, word);
        var layer = packed.Groups["layer"].Success
            ? int.Parse(packed.Groups["layer"].Value, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture) : "#";
        var kind = packed.Groups["kind"].Value;
        if (word is "scale" or "normalized")
            yield return kind.Length > 0 ? $"blocks.{layer}.{kind}.hook_{word}" : $"ln_final.hook_{word}";
        else if (AttentionNames.Contains(word)) yield return $"blocks.{layer}.attn.hook_{word}";
        else if (MlpNames.Contains(word)) yield return $"blocks.{layer}.mlp.hook_{word}";
        else yield return $"blocks.{layer}.hook_{word}";
    }

    private static string WithoutLayer(string name) => LayerNumber().Replace(name, "blocks.#.", 1);

    private static StudyException Unknown(IReadOnlyList<HookPoint> points, string name, string? where)
    {
        if (name.AsSpan().IndexOfAny("*?{") >= 0)
            return new($"no hook point matches '{name}'", where, "interp model inspect MODEL lists them");
        var shorts = points.Select(p => p.Name[(p.Name.LastIndexOf("hook_", StringComparison.Ordinal) is var at and >= 0 ? at + 5 : 0)..]);
        return new($"unknown hook '{name}'", where, StudySection.Nearest(name, [.. shorts.Concat(points.Select(p => p.Name)).Distinct()]));
    }

    private static Regex GlobToRegex(string glob)
    {
        var text = new System.Text.StringBuilder("^");
        var depth = 0;
        foreach (var c in glob)
            text.Append(c switch
            {
                '*' => ".*",
                '?' => ".",
                '{' when depth++ >= 0 => "(?:",
                '}' when depth-- > 0 => ")",
                ',' when depth > 0 => "|",
                _ => Regex.Escape(c.ToString()),
            });
        for (; depth > 0; depth--) text.Append(')');
        return new Regex(text.Append('$').ToString(), RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
    }

    private static string Shape(params object[] sizes) => $"[{string.Join(", ", sizes)}]";

    [GeneratedRegex(@"^blocks\.(\d+)\.(.+)$", RegexOptions.CultureInvariant)]
    private static partial Regex BlockName();

    [GeneratedRegex(@"^(?<word>[a-z_]+?)(?<layer>\d{1,6})?(?<kind>ln[12])?$", RegexOptions.CultureInvariant)]
    private static partial Regex PackedName();

    [GeneratedRegex(@"^blocks\.\d+\.", RegexOptions.CultureInvariant)]
    private static partial Regex LayerNumber();
}
