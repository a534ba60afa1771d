using InterpActors.Compute.Models;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Models;

/// <summary>Small models of every supported shape with random weights, so that tests need no files.</summary>
internal static class RandomModels
{
    public static readonly ModelConfig Gpt = new("gpt2", "gpt", 3, 4, 4, 8, 32, 64, 48, 41, NormKind.LayerNorm, 1e-5,
        ActivationKind.GeluTanh, false, PositionKind.Learned, null, 1 / Math.Sqrt(8), [null, null, null]);

    public static readonly ModelConfig Llama = Gpt with
    {
        Family = "llama",
        Name = "llama",
        Layers = 4,
        Heads = 6,
        KeyValueHeads = 2,
        Norm = NormKind.RmsNorm,
        Activation = ActivationKind.Silu,
        GatedMlp = true,
        Positions = PositionKind.Rotary,
        Rotary = Rotary(8, 10000),
        SlidingWindows = [null, null, null, null],
    };

    public static readonly ModelConfig Mistral = Llama with { Family = "mistral", Name = "mistral", SlidingWindows = [4, null, 3, 4] };

    public static readonly ModelConfig AttentionOnly = Gpt with
    {
        Family = "attention-only",
        Name = "attention-only",
        MlpWidth = 0,
        Norm = NormKind.None,
        Activation = ActivationKind.None,
    };

    public static readonly ModelConfig PartlyRotary = Gpt with
    {
        Name = "partly-rotary",
        Activation = ActivationKind.GeluExact,
        Positions = PositionKind.Rotary,
        Rotary = Rotary(4, 10000),
    };

    public static IReadOnlyList<ModelConfig> All => [Gpt, Llama, Mistral, AttentionOnly, PartlyRotary];

    /// <param name="affineNorms">False leaves norm weights null, as folding does.</param>
    /// <param name="tied">The unembedding is the embedding.</param>
    public static ModelWeights Weights(ModelConfig c, ScalarType type = ScalarType.Float64, int seed = 0, bool affineNorms = true,
        bool tied = false)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)seed);
        Tensor Random(double scale, double mean, params long[] shape) =>
            (randn(shape, dtype: ScalarType.Float64, generator: generator) * scale + mean).to_type(type).DetachFromDisposeScope();
        Tensor Matrix(long outputs, long inputs) => Random(1.2 / Math.Sqrt(inputs), 0, outputs, inputs);
        var norms = affineNorms && c.Norm != NormKind.None;
        Tensor? NormWeight() => norms ? Random(0.2, 1, c.ModelWidth) : null;
        Tensor? NormBias() => norms && c.Norm == NormKind.LayerNorm ? Random(0.2, 0, c.ModelWidth) : null;
        var biases = c.Norm == NormKind.LayerNorm;
        Tensor? Bias(long width) => biases ? Random(0.1, 0, width) : null;

        var blocks = Enumerable.Range(0, c.Layers).Select(_ => new BlockWeights(
            NormWeight(), NormBias(), Matrix((c.Heads + 2 * c.KeyValueHeads) * c.HeadWidth, c.ModelWidth),
            Bias((c.Heads + 2 * c.KeyValueHeads) * c.HeadWidth),
            Matrix(c.ModelWidth, c.Heads * c.HeadWidth), Bias(c.ModelWidth),
            c.HasMlp ? NormWeight() : null, c.HasMlp ? NormBias() : null,
            c.HasMlp ? Matrix(c.GatedMlp ? 2 * c.MlpWidth : c.MlpWidth, c.ModelWidth) : null,
            c.HasMlp ? Bias(c.GatedMlp ? 2 * c.MlpWidth : c.MlpWidth) : null,
            c.HasMlp ? Matrix(c.ModelWidth, c.MlpWidth) : null, c.HasMlp ? Bias(c.ModelWidth) : null)).ToArray();
        var embedding = Random(1, 0, c.Vocabulary, c.ModelWidth);
        return new ModelWeights(c, type, WeightProcessing.None, embedding,
            c.Positions == PositionKind.Learned ? Random(0.5, 0, c.ContextLength, c.ModelWidth) : null, blocks,
            NormWeight(), NormBias(), tied ? embedding : Matrix(c.Vocabulary, c.ModelWidth), Bias(c.Vocabulary));
    }

    /// <summary>Random token ids.</summary>
    public static int[] Prompt(ModelConfig config, int length, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => random.Next(config.Vocabulary))];
    }

    private static RotaryConfig Rotary(int dimensions, double theta) =>
        new(dimensions, [.. Enumerable.Range(0, dimensions / 2).Select(i => Math.Pow(theta, -2.0 * i / dimensions))]);
}
