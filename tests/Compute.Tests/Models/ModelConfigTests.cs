using InterpActors.Compute.Models;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Tests.Models;

/// <summary>Both spellings of config.json, GGUF metadata, and what is refused.</summary>
public sealed class ModelConfigTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("config-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private ModelConfig Read(string json)
    {
        File.WriteAllText(Path.Combine(_folder, "config.json"), json);
        return ModelLoader.ReadConfig(ModelLoader.Locate(_folder, "."));
    }

    private static string Text(string path) => File.ReadAllText(TestData.Path("models/" + path));

    [Theory]
    [InlineData("gpt2", "config.old-style.json")]
    [InlineData("llama3", "config.new-style.json")]
    [InlineData("mistral", "config.old-style.json")]
    [InlineData("qwen2-bf16", "config.new-style.json")]
    public void Old_and_new_spelling_say_the_same(string model, string other)
    {
        ModelConfig a = Read(Text(model + "/config.json")), b = Read(Text($"{model}/{other}"));
        Assert.Equal(a.Rotary?.InverseFrequencies ?? [], b.Rotary?.InverseFrequencies ?? []);
        Assert.Equal(a.SlidingWindows, b.SlidingWindows);
        IReadOnlyList<int?> none = [];
        Assert.Equal(a with { Rotary = null, SlidingWindows = none }, b with { Rotary = null, SlidingWindows = none });
    }

    [Fact]
    public void Sizes_and_conventions_of_the_families()
    {
        var gpt2 = Read(Text("gpt2/config.json"));
        Assert.Equal(("gpt2", 3, 4, 4, 10, 40, 160, 40, 320),
            (gpt2.Family, gpt2.Layers, gpt2.Heads, gpt2.KeyValueHeads, gpt2.HeadWidth, gpt2.ModelWidth, gpt2.MlpWidth, gpt2.ContextLength,
            gpt2.Vocabulary));
        Assert.Equal((NormKind.LayerNorm, 1e-5, ActivationKind.GeluTanh, PositionKind.Learned, 1 / Math.Sqrt(10)),
            (gpt2.Norm, gpt2.NormEpsilon, gpt2.Activation, gpt2.Positions, gpt2.AttentionScale));

        var mistral = Read(Text("mistral/config.json"));
        Assert.Equal(("mistral", 4, 2, 10, NormKind.RmsNorm, ActivationKind.Silu, true),
            (mistral.Family, mistral.Heads, mistral.KeyValueHeads, mistral.HeadWidth, mistral.Norm, mistral.Activation, mistral.GatedMlp));
        Assert.Equal([6, 6], mistral.SlidingWindows);

        var qwen = Read(Text("qwen2-bf16/config.json").Replace("\"use_sliding_window\": false", "\"use_sliding_window\": true")
            .Replace("\"sliding_window\": null", "\"sliding_window\": 9").Replace("\"max_window_layers\": 2", "\"max_window_layers\": 1"));
        Assert.Equal([null, 9], qwen.SlidingWindows);

        var own = Read("""
            {"model_type":"attention-only","n_layer":2,"n_head":3,"d_head":5,"n_embd":16,"n_positions":8,"vocab_size":11,"beta":4}
            """);
        Assert.Equal(("attention-only", 2, 3, 5, 16, 0, 1.0, NormKind.None, false),
            (own.Family, own.Layers, own.Heads, own.HeadWidth, own.ModelWidth, own.MlpWidth, own.AttentionScale, own.Norm, own.HasMlp));
    }

    [Fact]
    public void Rope_scaling_of_llama_3_changes_three_bands_and_equals_the_divisors_in_gguf()
    {
        var frequencies = Read(Text("llama3/config.json")).Rotary!.InverseFrequencies;
        var plain = Enumerable.Range(0, 8).Select(i => Math.Pow(500, -i / 8.0)).ToArray();
        Assert.Equal(plain[0], frequencies[0], 1e-15);
        Assert.Equal(plain[7] / 8, frequencies[7], 1e-15);
        Assert.Contains(Enumerable.Range(0, 8), i => frequencies[i] < plain[i] * 0.999 && frequencies[i] > plain[i] / 8 * 1.001);

        var gguf = ModelLoader.ReadConfig(ModelLoaderTests.Model("llama3.Q4_1.gguf"));
        Assert.Equal(("llama", "tiny llama3", 2, 4, 2, 16, 64, 96, 512, 360),
            (gguf.Family, gguf.Name, gguf.Layers, gguf.Heads, gguf.KeyValueHeads, gguf.HeadWidth, gguf.ModelWidth, gguf.MlpWidth,
            gguf.ContextLength, gguf.Vocabulary));
        Assert.Equal((double)1e-5f, gguf.NormEpsilon);
        for (var i = 0; i < 8; i++) Assert.Equal(frequencies[i], gguf.Rotary!.InverseFrequencies[i], 1e-7 * frequencies[i]);
    }

    [Fact]
    public void Linear_rope_scaling_divides_every_frequency()
    {
        var scaled = Read(Text("llama3/config.json").Replace("\"rope_type\": \"llama3\"", "\"type\": \"linear\""))
            .Rotary!.InverseFrequencies;
        Assert.Equal(Math.Pow(500, -3 / 8.0) / 8, scaled[3], 1e-15);
    }

    [Theory]
    [InlineData("\"model_type\": \"llama\"", "\"model_type\": \"qwen3\"",
        "the architecture 'qwen3' is not supported; supported are gpt2, llama, mistral, qwen2, attention-only")]
    [InlineData("\"rope_type\": \"llama3\"", "\"rope_type\": \"yarn\"", "the rope scaling 'yarn' is not supported")]
    [InlineData("\"hidden_act\": \"silu\"", "\"hidden_act\": \"quick_gelu\"", "the activation 'quick_gelu' is not supported")]
    [InlineData("\"num_key_value_heads\": 2", "\"num_key_value_heads\": 3", "4 query heads do not divide into 3 key/value heads")]
    [InlineData("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 2000000000",
        "'num_hidden_layers' must hold a whole number from 1 to 4096")]
    [InlineData("\"num_hidden_layers\": 2", "\"num_hidden_layers\": -1", "'num_hidden_layers' must hold")]
    [InlineData("\"num_hidden_layers\": 2,", "", "the key 'num_hidden_layers' is missing")]
    [InlineData("\"hidden_size\": 64", "\"hidden_size\": \"64\"", "'hidden_size' must hold a whole number")]
    [InlineData("\"hidden_size\": 64", "\"hidden_size\": 63", "a width of 63 does not divide into 4 heads")]
    [InlineData("\"hidden_size\": 64", "\"hidden_size\": 60", "15 rotary dimensions do not fit a head of 15")]
    [InlineData("\"rope_theta\": 500.0", "\"rope_theta\": 0", "'rope_theta' must hold a number above 0")]
    [InlineData("\"factor\": 8.0,", "", "the key 'rope_scaling.factor' is missing")]
    [InlineData("{", "", "cannot be read")]
    public void Refuses_what_it_cannot_run(string from, string to, string message)
    {
        var at = Text("llama3/config.json");
        var place = at.IndexOf(from, StringComparison.Ordinal);
        var error = Assert.Throws<StudyException>(() => Read(at[..place] + to + at[(place + from.Length)..]));
        Assert.Contains(message, error.Message);
        Assert.Contains("config.json", error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void Finds_models_by_path_and_by_the_name_of_a_shipped_one()
    {
        var models = Path.Combine(_folder, "models");
        foreach (var name in new[] { "small-one", "small-two" })
        {
            Directory.CreateDirectory(Path.Combine(models, name));
            File.WriteAllText(Path.Combine(models, name, "config.json"), "{}");
        }
        var study = Directory.CreateDirectory(Path.Combine(_folder, "studies", "deep")).FullName;
        Assert.Equal(Path.Combine(models, "small-one"), ModelLoader.Locate("small-one", study).Path);
        Assert.Equal(Path.Combine(models, "small-two"), ModelLoader.Locate("../../models/small-two", study).Path);
        Assert.Equal(ModelFormat.Gguf, ModelLoader.Locate(TestData.Path("models/llama3.Q4_1.gguf"), study).Format);

        Assert.Contains("small-one, small-two", Assert.Throws<StudyException>(() => ModelLoader.Locate("small-three", study)).Message);
        Assert.Contains("has no config.json", Assert.Throws<StudyException>(() => ModelLoader.Locate(study, ".")).Message);
        Assert.Contains("no .gguf file", Assert.Throws<StudyException>(() => ModelLoader.Locate("small-one/config.json", models)).Message);
        Assert.Throws<StudyException>(() => ModelLoader.Locate(" ", study));
    }
}
