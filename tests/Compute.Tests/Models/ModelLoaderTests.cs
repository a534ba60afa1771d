using InterpActors.Compute.Models;
using InterpActors.Compute.Weights;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Models;

/// <summary>Loaded weights, run through the plain forward, against the field's own numbers.</summary>
public sealed class ModelLoaderTests
{
    internal static ModelLocation Model(string name) => ModelLoader.Locate(TestData.Path("models/" + name), ".");

    /// <summary>Largest absolute difference.</summary>
    internal static double Difference(Tensor a, Tensor b) =>
        (a.to(ScalarType.Float64) - b.to(ScalarType.Float64)).abs().max().item<double>();

    internal static double Largest(Tensor a) => a.to(ScalarType.Float64).abs().max().item<double>();

    [Theory]
    [InlineData("gpt2")]
    [InlineData("qwen2-bf16")]
    public void Logits_of_a_folder_equal_the_fp64_reference(string name)
    {
        using var scope = NewDisposeScope();
        using var expected = SafetensorsFile.Open(TestData.Path($"models/{name}/expected.safetensors"));
        using var weights = ModelLoader.LoadWeights(Model(name), ScalarType.Float64, WeightProcessing.None);
        using var model = new HookedTransformer(weights);
        var logits = model.Forward(expected.Read("tokens").unsqueeze(0))[0];
        Assert.InRange(Difference(expected.Read("logits"), logits), 0, 1e-12 * Largest(logits));
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("qwen2-bf16")]
    public void Logits_in_fp32_stay_near_fp64(string name)
    {
        using var scope = NewDisposeScope();
        using var expected = SafetensorsFile.Open(TestData.Path($"models/{name}/expected.safetensors"));
        foreach (var processing in Enum.GetValues<WeightProcessing>())
        {
            using var weights = ModelLoader.LoadWeights(Model(name), ScalarType.Float32, processing);
            using var model = new HookedTransformer(weights);
            var logits = model.Forward(expected.Read("tokens").unsqueeze(0))[0];
            Assert.InRange(Difference(expected.Read(processing == WeightProcessing.None ? "logits" : "folded/logits"), logits), 1e-9,
                5e-6 * Largest(logits));
        }
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("qwen2-bf16")]
    public void Folded_activations_equal_the_references(string name)
    {
        using var scope = NewDisposeScope();
        using var expected = SafetensorsFile.Open(TestData.Path($"models/{name}/expected.safetensors"));
        using var weights = ModelLoader.LoadWeights(Model(name), ScalarType.Float64, WeightProcessing.Folded);
        Assert.Equal(WeightProcessing.Folded, weights.Processing);
        Assert.All(weights.Blocks, b =>
            Assert.True(b.NormAttention is null && b.NormAttentionBias is null && b.NormMlp is null && b.NormMlpBias is null));
        Assert.True(weights.NormFinal is null && weights.NormFinalBias is null);
        Assert.NotSame(weights.Embedding, weights.Unembedding);
        using var model = new HookedTransformer(weights);
        var names = expected.Names.Where(n => n.StartsWith("folded/", StringComparison.Ordinal)).Select(n => n["folded/".Length..])
            .ToList();
        Assert.True(names.Count >= 5);
        var hooks = new HookSet().Read(names.Where(n => n != "logits"));
        var logits = model.Forward(expected.Read("tokens").unsqueeze(0), hooks);
        foreach (var hook in names)
        {
            var wanted = expected.Read("folded/" + hook);
            // The reference is fp64 rounded to fp32.
            Assert.InRange(Difference(wanted, hook == "logits" ? logits[0] : hooks.Activations[hook][0]), 0, 1.2e-7 * Largest(wanted));
        }
    }

    [Fact]
    public void Logits_of_a_quantised_gguf_file_equal_those_of_its_dequantised_weights()
    {
        using var scope = NewDisposeScope();
        using var expected = SafetensorsFile.Open(TestData.Path("models/llama3.Q4_1.expected.safetensors"));
        using var weights = ModelLoader.LoadWeights(Model("llama3.Q4_1.gguf"), ScalarType.Float64, WeightProcessing.None);
        Assert.Same(weights.Embedding, weights.Unembedding);
        using var model = new HookedTransformer(weights);
        var logits = model.Forward(expected.Read("tokens").unsqueeze(0))[0];
        // fp32 divisors of the rotary frequencies in the file, fp64 ones in the reference.
        Assert.InRange(Difference(expected.Read("logits"), logits), 0, 1e-6 * Largest(logits));
    }
}
