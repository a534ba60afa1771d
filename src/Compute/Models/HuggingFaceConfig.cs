using InterpActors.Messages.Studies;
using L = InterpActors.Compute.Models.ModelLimits;

namespace InterpActors.Compute.Models;

/// <summary>
/// Reads <c>config.json</c> of a Hugging Face folder, in the spelling of transformers 5 (<c>rope_parameters</c>, <c>layer_types</c>) and
/// in the older one (<c>rope_theta</c>, <c>rope_scaling</c>). What may be absent has the default that transformers gives it.
/// </summary>
internal static class HuggingFaceConfig
{
    /// <exception cref="StudyException">A key is missing or wrong, or the architecture or one of its options is not supported.</exception>
    public static ModelDescription Read(string path, string name)
    {
        var json = JsonSettings.Open(path);
        var family = json.Text("model_type") ?? json.Texts("architectures")?.FirstOrDefault() ?? throw json.Missing("model_type");
        var description = family switch
        {
            "gpt2" or "GPT2LMHeadModel" => Gpt2(json, name),
            "llama" or "LlamaForCausalLM" => Llama(json, name, "llama", path),
            "mistral" or "MistralForCausalLM" => Llama(json, name, "mistral", path),
            "qwen2" or "Qwen2ForCausalLM" => Llama(json, name, "qwen2", path),
            "attention-only" => AttentionOnly(json, name),
            _ => throw L.Unsupported(family, path),
        };
        L.Checked(description.Config, path);
        return description;
    }

    private static ModelDescription Gpt2(JsonSettings json, string name)
    {
        if (json.Flag("scale_attn_by_inverse_layer_idx", false)) throw json.Unsupported("scale_attn_by_inverse_layer_idx is not supported");
        if (json.Flag("add_cross_attention", false)) throw json.Unsupported("cross-attention is not supported", "only decoders are");
        int width = json.Int(1, L.Width, "n_embd", "hidden_size"), heads = json.Int(1, L.Heads, "n_head", "num_attention_heads");
        var layers = json.Int(1, L.Layers, "n_layer", "num_hidden_layers");
        var headWidth = HeadWidth(json, width, heads);
        return new ModelDescription(
            new ModelConfig("gpt2", name, layers, heads, heads, headWidth, width,
                json.OptionalInt(1, L.Width, "n_inner") ?? 4 * width,
                json.Int(1, L.Context, "n_positions", "n_ctx", "max_position_embeddings"),
                json.Int(1, L.Vocabulary, "vocab_size"), NormKind.LayerNorm, json.Positive(1e-5, "layer_norm_epsilon"),
                Activation(json, "activation_function", "gelu_new"), GatedMlp: false, PositionKind.Learned, Rotary: null,
                json.Flag("scale_attn_weights", true) ? 1 / Math.Sqrt(headWidth) : 1.0, new int?[layers]),
            Tied: json.Flag("tie_word_embeddings", true), AttentionBias: true, MlpBias: true);
    }

    private static ModelDescription Llama(JsonSettings json, string name, string family, string path)
    {
        int width = json.Int(1, L.Width, "hidden_size"), heads = json.Int(1, L.Heads, "num_attention_heads");
        var layers = json.Int(1, L.Layers, "num_hidden_layers");
        var headWidth = json.OptionalInt(1, L.HeadWidth, "head_dim") ?? HeadWidth(json, width, heads);
        var keyValueHeads = json.OptionalInt(1, L.Heads, "num_key_value_heads") ?? heads;
        return new ModelDescription(
            new ModelConfig(family, name, layers, heads, keyValueHeads, headWidth, width, json.Int(1, L.Width, "intermediate_size"),
                json.Int(1, L.Context, "max_position_embeddings"), json.Int(1, L.Vocabulary, "vocab_size"),
                NormKind.RmsNorm, json.Positive(1e-6, "rms_norm_eps"), Activation(json, "hidden_act", "silu"), GatedMlp: true,
                PositionKind.Rotary, Rotary(json, headWidth), 1 / Math.Sqrt(headWidth), SlidingWindows(json, family, layers)),
            Tied: json.Flag("tie_word_embeddings", false),
            AttentionBias: family == "qwen2" || json.Flag("attention_bias", false), MlpBias: json.Flag("mlp_bias", false));
    }

    /// <summary>The project's own family of models without norms and MLPs, whose circuits are known by construction.</summary>
    private static ModelDescription AttentionOnly(JsonSettings json, string name)
    {
        int heads = json.Int(1, L.Heads, "n_head"), layers = json.Int(1, L.Layers, "n_layer");
        return new ModelDescription(
            new ModelConfig("attention-only", name, layers, heads, heads, json.Int(1, L.HeadWidth, "d_head"),
                json.Int(1, L.Width, "n_embd"), MlpWidth: 0,
                json.Int(1, L.Context, "n_positions"), json.Int(1, L.Vocabulary, "vocab_size"), NormKind.None, NormEpsilon: 0,
                ActivationKind.None, GatedMlp: false, PositionKind.Learned, Rotary: null, json.Positive(1.0, "attention_scale"),
                new int?[layers]),
            Tied: false, AttentionBias: false, MlpBias: false);
    }

    private static int HeadWidth(JsonSettings json, int width, int heads) => width % heads == 0
        ? width / heads
        : throw json.Unsupported($"a width of {width} does not divide into {heads} heads");

    private static ActivationKind Activation(JsonSettings json, string key, string otherwise) => (json.Text(key) ?? otherwise) switch
    {
        "silu" or "swish" => ActivationKind.Silu,
        "gelu" => ActivationKind.GeluExact,
        "gelu_new" or "gelu_fast" or "gelu_pytorch_tanh" => ActivationKind.GeluTanh,
        "relu" => ActivationKind.Relu,
        var other => throw json.Unsupported($"the activation '{other}' is not supported",
            "supported are silu, gelu, gelu_new, gelu_pytorch_tanh, relu"),
    };

    private static RotaryConfig Rotary(JsonSettings json, int headWidth)
    {
        // transformers 5 keeps everything in rope_parameters; before, the base stood at the top and the scaling in rope_scaling.
        var scaling = json.Section("rope_parameters") ?? json.Section("rope_scaling");
        var theta = scaling?.Number("rope_theta") is not null ? scaling.Positive(1, "rope_theta") : json.Positive(10000, "rope_theta");
        var partial = scaling?.Number("partial_rotary_factor") ?? json.Number("partial_rotary_factor") ?? 1;
        if (partial is <= 0 or > 1) throw json.Wrong("partial_rotary_factor", "a number above 0, up to 1");
        var dimensions = (int)(headWidth * partial);
        var plain = RotaryFrequencies.Plain(dimensions, theta);
        return new RotaryConfig(dimensions, (scaling?.Text("rope_type") ?? scaling?.Text("type") ?? "default") switch
        {
            "default" => plain,
            "linear" => RotaryFrequencies.Linear(plain, Scale(scaling!, "factor")),
            "llama3" => RotaryFrequencies.Llama3(plain, Scale(scaling!, "factor"), Scale(scaling!, "low_freq_factor"),
                Scale(scaling!, "high_freq_factor"), Scale(scaling!, "original_max_position_embeddings")),
            var other => throw json.Unsupported($"the rope scaling '{other}' is not supported", "supported are default, linear, llama3"),
        });
    }

    private static double Scale(JsonSettings scaling, string key) =>
        scaling.Number(key) is null ? throw scaling.Missing(key) : scaling.Positive(1, key);

    private static int?[] SlidingWindows(JsonSettings json, string family, int layers)
    {
        // Published Mistral files always give the key; transformers' default for an absent one is 4096.
        var window = json.OptionalInt(1, int.MaxValue, "sliding_window");
        if (family == "mistral" && !json.Keys.Contains("sliding_window")) window = 4096;
        if (family == "llama" || (family == "qwen2" && !json.Flag("use_sliding_window", false))) window = null;
        var windows = new int?[layers];
        if (window is null) return windows;
        var types = json.Texts("layer_types");
        if (types is not null && types.Count != layers) throw json.Wrong("layer_types", $"{layers} texts, one a layer");
        var first = family == "qwen2" ? json.OptionalInt(0, int.MaxValue, "max_window_layers") ?? 28 : 0;
        for (var layer = 0; layer < layers; layer++)
        {
            var sliding = types?[layer] switch
            {
                null => layer >= first,
                "sliding_attention" => true,
                "full_attention" => false,
                var other =>
                    throw json.Unsupported($"the layer type '{other}' is not supported", "supported are full_attention, sliding_attention"),
            };
            windows[layer] = sliding ? window : null;
        }
        return windows;
    }
}
