using InterpActors.Compute.Models;
using InterpActors.Compute.Statistics;
using InterpActors.Compute.Weights;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace InterpActors.Compute.SmallModels;

/// <summary>A trainable GPT-2 of a few hundred thousand parameters: weights as <see cref="ModelWeights"/>, so that the engine's own forward
/// pass trains it, written in Hugging Face's GPT-2 layout.</summary>
internal sealed class SmallGpt2 : IDisposable
{
    private const double InitialDeviation = 0.05;

    private readonly List<Parameter> _parameters = [];

    /// <summary>Draws initial weights: normal, those that write to the residual stream smaller by sqrt(2 · layers), as in GPT-2.</summary>
    public SmallGpt2(string name, int layers, int heads, int width, int context, int vocabulary, SeededRandom random)
    {
        var config = new ModelConfig("gpt2", name, layers, heads, heads, width / heads, width, 4 * width, context, vocabulary,
            NormKind.LayerNorm, 1e-5, ActivationKind.GeluTanh, false, PositionKind.Learned, null, 1 / Math.Sqrt((double)width / heads),
            new int?[layers]);
        var writing = InitialDeviation / Math.Sqrt(2 * layers);
        var embedding = Drawn(InitialDeviation, vocabulary, width);
        var positions = Drawn(InitialDeviation, context, width);
        var blocks = Enumerable.Range(0, layers).Select(_ => new BlockWeights(
            Filled(1, width), Filled(0, width), Drawn(InitialDeviation, 3 * width, width), Filled(0, 3 * width),
            Drawn(writing, width, width), Filled(0, width),
            Filled(1, width), Filled(0, width), Drawn(InitialDeviation, 4 * width, width), Filled(0, 4 * width),
            Drawn(writing, width, 4 * width), Filled(0, width))).ToArray();
        Weights = new ModelWeights(config, ScalarType.Float32, WeightProcessing.None, embedding, positions, blocks, Filled(1, width),
            Filled(0, width), embedding, null);

        Parameter Drawn(double deviation, int rows, int columns) =>
            Keep(tensor(Enumerable.Range(0, rows * columns).Select(_ => (float)(deviation * random.NextNormal())).ToArray(),
                [rows, columns]));
        Parameter Filled(float value, int size) => Keep(full([size], value));
        Parameter Keep(Tensor values)
        {
            var parameter = new Parameter(values, requires_grad: true);
            _parameters.Add(parameter);
            return parameter;
        }
    }

    public ModelWeights Weights { get; }

    public IReadOnlyList<Parameter> Parameters => _parameters;

    public long Size => _parameters.Sum(p => p.NumberOfElements);

    /// <summary>Writes <c>model.safetensors</c> and <c>config.json</c>.</summary>
    public void Save(string folder)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var config = Weights.Config;
        List<(string, Tensor)> tensors =
        [
            ("transformer.wte.weight", Weights.Embedding), ("transformer.wpe.weight", Weights.PositionEmbedding!),
            ("transformer.ln_f.weight", Weights.NormFinal!), ("transformer.ln_f.bias", Weights.NormFinalBias!),
        ];
        for (var l = 0; l < config.Layers; l++)
        {
            var (b, name) = (Weights.Blocks[l], $"transformer.h.{l}.");
            tensors.AddRange(
            [
                (name + "ln_1.weight", b.NormAttention!), (name + "ln_1.bias", b.NormAttentionBias!),
                (name + "attn.c_attn.weight", b.QueryKeyValue.t()), (name + "attn.c_attn.bias", b.QueryKeyValueBias!),
                (name + "attn.c_proj.weight", b.Output.t()), (name + "attn.c_proj.bias", b.OutputBias!),
                (name + "ln_2.weight", b.NormMlp!), (name + "ln_2.bias", b.NormMlpBias!),
                (name + "mlp.c_fc.weight", b.MlpIn!.t()), (name + "mlp.c_fc.bias", b.MlpInBias!),
                (name + "mlp.c_proj.weight", b.MlpOut!.t()), (name + "mlp.c_proj.bias", b.MlpOutBias!),
            ]);
        }
        SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), tensors, new Dictionary<string, string> { ["format"] = "pt" });
        JsonFile.Write(Path.Combine(folder, "config.json"), new()
        {
            ["architectures"] = new System.Text.Json.Nodes.JsonArray("GPT2LMHeadModel"),
            ["model_type"] = "gpt2",
            ["activation_function"] = "gelu_new",
            ["n_layer"] = config.Layers,
            ["n_head"] = config.Heads,
            ["n_embd"] = config.ModelWidth,
            ["n_inner"] = config.MlpWidth,
            ["n_positions"] = config.ContextLength,
            ["vocab_size"] = config.Vocabulary,
            ["layer_norm_epsilon"] = config.NormEpsilon,
            ["tie_word_embeddings"] = true,
            ["bos_token_id"] = 0,
            ["eos_token_id"] = 0,
            ["dtype"] = "float32",
        });
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var parameter in _parameters) parameter.Dispose();
    }
}
