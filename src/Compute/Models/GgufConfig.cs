using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;
using L = InterpActors.Compute.Models.ModelLimits;

namespace InterpActors.Compute.Models;

/// <summary>Reads a model's shape from the metadata of a GGUF file (keys <c>&lt;architecture&gt;.…</c>).</summary>
internal static class GgufConfig
{
    /// <exception cref="StudyException">A key is missing or wrong, or the architecture or one of its options is not supported.</exception>
    public static ModelDescription Read(GgufFile file)
    {
        var keys = file.Metadata;
        var architecture = keys.Text("general.architecture") ?? throw keys.Missing("general.architecture");
        if (architecture is not ("gpt2" or "llama" or "qwen2"))
            throw new StudyException($"the architecture '{architecture}' is not supported in GGUF files", file.Where,
                "supported are gpt2, llama, qwen2");
        var name = keys.Text("general.name") ?? Path.GetFileNameWithoutExtension(file.Where);
        var reader = new Reader(file, architecture);
        reader.RefuseOptions();

        int width = reader.Int("embedding_length", L.Width), layers = reader.Int("block_count", L.Layers),
            heads = reader.Int("attention.head_count", L.Heads);
        var keyValueHeads = reader.OptionalInt("attention.head_count_kv", L.Heads) ?? heads;
        var headWidth = reader.OptionalInt("attention.key_length", L.HeadWidth) ?? (width % heads == 0
            ? width / heads
            : throw new StudyException($"a width of {width} does not divide into {heads} heads", file.Where));
        if (reader.OptionalInt("attention.value_length", L.HeadWidth) is { } values && values != headWidth)
            throw new StudyException($"values of {values} and keys of {headWidth} dimensions are not supported", file.Where,
                "they must be equal");
        var gpt2 = architecture == "gpt2";
        var window = reader.OptionalInt("attention.sliding_window", int.MaxValue);
        var config = new ModelConfig(
            architecture, name, layers, heads, keyValueHeads, headWidth, width, reader.Int("feed_forward_length", L.Width),
            reader.Int("context_length", L.Context), Vocabulary(file), gpt2 ? NormKind.LayerNorm : NormKind.RmsNorm,
            reader.Positive(gpt2 ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon"),
            gpt2 ? ActivationKind.GeluTanh : ActivationKind.Silu,
            GatedMlp: !gpt2, gpt2 ? PositionKind.Learned : PositionKind.Rotary, gpt2 ? null : Rotary(reader, file, headWidth),
            reader.OptionalPositive("attention.scale") ?? 1 / Math.Sqrt(headWidth), [.. Enumerable.Repeat(window, layers)]);
        return new ModelDescription(L.Checked(config, file.Where), Tied: !file.Tensors.ContainsKey("output.weight"),
            AttentionBias: architecture != "llama", MlpBias: gpt2);
    }

    /// <summary>The embedding is the only place where every file says how many tokens there are.</summary>
    private static int Vocabulary(GgufFile file)
    {
        if (!file.Tensors.TryGetValue("token_embd.weight", out var embedding))
            throw new StudyException("the tensor token_embd.weight is missing", file.Where);
        return embedding.Shape is [<= L.Vocabulary, _]
            ? (int)embedding.Shape[0]
            : throw new StudyException(
                $"its shape is [{string.Join(", ", embedding.Shape)}]; a matrix of at most {L.Vocabulary} rows is needed",
                embedding.Where);
    }

    private static RotaryConfig Rotary(Reader reader, GgufFile file, int headWidth)
    {
        var dimensions = reader.OptionalInt("rope.dimension_count", L.HeadWidth) ?? headWidth;
        if (dimensions != headWidth)
            throw new StudyException($"rotary embeddings on {dimensions} of {headWidth} dimensions are not supported for this architecture",
                file.Where);
        var frequencies = RotaryFrequencies.Plain(dimensions, reader.OptionalPositive("rope.freq_base") ?? 10000);
        var factor = reader.OptionalPositive("rope.scaling.factor");
        frequencies = (reader.OptionalText("rope.scaling.type") ?? (factor is null ? "none" : "linear")) switch
        {
            "none" => frequencies,
            "linear" => RotaryFrequencies.Linear(frequencies, factor ?? 1),
            var other => throw new StudyException($"the rope scaling '{other}' is not supported", file.Where,
                "supported are none, linear, and factors in rope_freqs.weight"),
        };
        if (reader.OptionalPositive("rope.scale_linear") is { } old) frequencies = RotaryFrequencies.Linear(frequencies, old);
        // Llama 3's scaling is stored as one divisor per frequency.
        if (file.Tensors.TryGetValue("rope_freqs.weight", out var divisors))
        {
            if (divisors.Shape is not [var count] || count != frequencies.Length)
                throw new StudyException($"its shape is [{string.Join(", ", divisors.Shape)}], expected [{frequencies.Length}]",
                    divisors.Where);
            var values = new double[frequencies.Length];
            divisors.ReadRows(0, 1, values);
            if (values.Any(v => !double.IsFinite(v) || v <= 0))
                throw new StudyException("it holds a divisor that is not above 0", divisors.Where);
            frequencies = [.. frequencies.Zip(values, (f, v) => f / v)];
        }
        return new RotaryConfig(dimensions, frequencies);
    }

    private sealed class Reader(GgufFile file, string architecture)
    {
        private readonly GgufMetadata _keys = file.Metadata;

        /// <summary>Options of these architectures that would change the forward pass and that it does not have.</summary>
        public void RefuseOptions()
        {
            if (_keys.Integer(Key("expert_count")) is > 0) throw new StudyException("mixtures of experts are not supported", file.Where);
            foreach (var scale in new[] { "logit_scale", "embedding_scale", "residual_scale" })
                if (_keys.Number(Key(scale)) is { } value && value is not (0 or 1))
                    throw new StudyException($"the option {Key(scale)} = {value} is not supported", file.Where);
        }

        public int Int(string key, int max) => OptionalInt(key, max) ?? throw _keys.Missing(Key(key));

        /// <summary>A whole number, or the one value of an array with one entry a layer.</summary>
        public int? OptionalInt(string key, int max)
        {
            if (!_keys.TryGetValue(Key(key), out var stored)) return null;
            long number;
            if (stored is Array)
            {
                var values = _keys.Integers(Key(key))!;
                if (values.Length == 0 || values.Any(v => v != values[0]))
                    throw new StudyException($"the key '{Key(key)}' differs between layers, which is not supported", file.Where);
                number = values[0];
            }
            else number = _keys.Integer(Key(key))!.Value;
            return number >= 1 && number <= max ? (int)number : throw _keys.Wrong(Key(key), $"a whole number from 1 to {max}");
        }

        public double Positive(string key) => OptionalPositive(key) ?? throw _keys.Missing(Key(key));

        public double? OptionalPositive(string key) => _keys.Number(Key(key)) is not { } value ? null
            : double.IsFinite(value) && value > 0 ? value : throw _keys.Wrong(Key(key), "a number above 0");

        public string? OptionalText(string key) => _keys.Text(Key(key));

        private string Key(string key) => $"{architecture}.{key}";
    }
}
