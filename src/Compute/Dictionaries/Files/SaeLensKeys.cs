using InterpActors.Compute.Dictionaries.Architectures;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Dictionaries.Files;

/// <summary>SAELens' names of architectures, normalisations and their keys in <c>cfg.json</c>.</summary>
internal static class SaeLensKeys
{
    private static readonly (string Name, InputNormalisation Value)[] Normalisations =
    [
        ("none", InputNormalisation.None),
        ("expected_average_only_in", InputNormalisation.ExpectedAverageOnlyIn),
        ("constant_norm_rescale", InputNormalisation.ConstantNormRescale),
        ("layer_norm", InputNormalisation.LayerNorm),
    ];

    private static readonly string[] Known = ["standard", "gated", "topk", "abstopk", "batchtopk", "jumprelu", "matryoshka_batchtopk",
        "matching_pursuit", "transcoder", "skip_transcoder", "jumprelu_transcoder", "jumprelu_skip_transcoder"];

    public static string Name(InputNormalisation normalisation) => Normalisations.First(n => n.Value == normalisation).Name;

    /// <exception cref="StudyException">The normalisation is not known.</exception>
    public static InputNormalisation Normalisation(ConfigurationKeys keys)
    {
        var name = keys.Text("normalize_activations", "none");
        return Array.FindIndex(Normalisations, n => n.Name == name) is var i and >= 0
            ? Normalisations[i].Value
            : throw keys.Wrong("normalize_activations", string.Join(", ", Normalisations.Select(n => n.Name)));
    }

    /// <exception cref="StudyException">Heads are arranged in a way that is not known.</exception>
    public static bool FlattensHeads(ConfigurationKeys keys) => keys.Text("reshape_activations", "none") switch
    {
        "none" => false,
        "hook_z" => true,
        _ => throw keys.Wrong("reshape_activations", "none or hook_z"),
    };

    /// <summary>d_in, d_sae, and d_out of transcoders.</summary>
    public static DictionarySizes Sizes(ConfigurationKeys keys)
    {
        var input = keys.Count("d_in");
        return new DictionarySizes(input, keys.Count("d_sae"), keys.Text("architecture").EndsWith("transcoder", StringComparison.Ordinal)
            ? keys.Count("d_out") : input);
    }

    /// <exception cref="StudyException">The architecture is not known, or a key of it is wrong.</exception>
    public static IArchitecture Architecture(ConfigurationKeys keys, DictionarySizes sizes)
    {
        var name = keys.Text("architecture");
        var subtracts = keys.Flag("apply_b_dec_to_input", !name.EndsWith("transcoder", StringComparison.Ordinal));
        switch (name)
        {
            case "standard": return new StandardArchitecture(subtracts);
            case "gated": return new GatedArchitecture(subtracts);
            case "jumprelu": return new JumpReluArchitecture(subtracts);
            case "topk": return new TopKArchitecture(subtracts, K(keys, sizes), Rescales(keys, false));
            case "abstopk": return new AbsTopKArchitecture(subtracts, K(keys, sizes), Rescales(keys, false));
            case "batchtopk": return new BatchTopKArchitecture(subtracts, FractionalK(keys, sizes), Rescales(keys, true));
            case "matryoshka_batchtopk":
                return new MatryoshkaArchitecture(subtracts, FractionalK(keys, sizes), Rescales(keys, true), Widths(keys, sizes));
            case "matching_pursuit":
                return new MatchingPursuitArchitecture(subtracts, keys.Number("residual_threshold", 1e-2),
                    keys.Has("max_iterations") ? keys.Count("max_iterations") : null, keys.Flag("stop_on_duplicate_support", true));
            case "transcoder" or "skip_transcoder" or "jumprelu_transcoder" or "jumprelu_skip_transcoder":
                if (subtracts) throw keys.Wrong("apply_b_dec_to_input", "false: a transcoder's b_dec belongs to its output,");
                IArchitecture encoder = name.StartsWith("jumprelu", StringComparison.Ordinal)
                    ? new JumpReluArchitecture(false) : new StandardArchitecture(false);
                return new TranscoderArchitecture(encoder, name.Contains("skip", StringComparison.Ordinal));
            default: throw keys.Wrong("architecture", $"one of {string.Join(", ", Known)}");
        }
    }

    private static bool Rescales(ConfigurationKeys keys, bool otherwise) => keys.Flag("rescale_acts_by_decoder_norm", otherwise);

    private static int K(ConfigurationKeys keys, DictionarySizes sizes) => keys.Count("k") is var k && k <= sizes.Latents
        ? k : throw keys.Wrong("k", $"at most d_sae {sizes.Latents}");

    private static double FractionalK(ConfigurationKeys keys, DictionarySizes sizes) =>
        keys.Number("k") is var k && k > 0 && k <= sizes.Latents
        ? k : throw keys.Wrong("k", $"more than 0 and at most d_sae {sizes.Latents}");

    private static IReadOnlyList<int> Widths(ConfigurationKeys keys, DictionarySizes sizes)
    {
        var widths = keys.Counts("matryoshka_widths");
        return widths.Count > 0 && widths[^1] == sizes.Latents && widths.Zip(widths.Skip(1)).All(w => w.First < w.Second)
            ? widths : throw keys.Wrong("matryoshka_widths", $"a rising list that ends with d_sae {sizes.Latents}");
    }
}
