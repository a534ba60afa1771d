using System.Text.Json.Nodes;
using InterpActors.Compute.Dictionaries;
using InterpActors.Compute.Dictionaries.Files;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Dictionaries;

public sealed class DictionaryFolderTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("saes-").FullName;

    public static TheoryData<string> Cases { get; } = [.. Directory.GetDirectories(TestData.Path("dictionaries"))
        .Select(d => Path.GetFileName(d))
        .Where(d => !d.StartsWith("training", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Codes_and_reconstructions_are_those_of_the_tool_that_wrote_the_folder(string name)
    {
        foreach (var type in new[] { ScalarType.Float64, ScalarType.Float32 })
        {
            using var read = DictionaryFolder.Read(Case(name), type);
            CheckAgainst(Case(name), read.Dictionary, type == ScalarType.Float64 ? 1e-12 : 1e-5);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_folder_that_was_written_gives_the_same_numbers(string name)
    {
        using var read = DictionaryFolder.Read(Case(name), ScalarType.Float64);
        var folder = Path.Combine(_root, "out");
        if (name == "sparsify-layers.6.mlp")
        {
            Assert.Contains("no architecture", Assert.Throws<StudyException>(() => SaeLensWriter.Write(read.Dictionary, folder)).Message,
                StringComparison.Ordinal);
            return;
        }
        SaeLensWriter.Write(read.Dictionary, folder);
        var keys = (JsonObject)JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "cfg.json")))!;
        foreach (var key in new[] { "d_in", "d_sae", "dtype", "device", "apply_b_dec_to_input", "normalize_activations",
            "reshape_activations", "architecture" })
            Assert.True(keys[key] is JsonValue, key);
        Assert.IsType<JsonObject>(keys["metadata"]);
        using var again = DictionaryFolder.Read(folder, ScalarType.Float64);
        Assert.Equal("SAELens 6", again.Layout);
        Assert.Empty(again.Converted);
        CheckAgainst(Case(name), again.Dictionary, 1e-12);
    }

    [Theory]
    [InlineData("d_sae", "95", "W_enc has the shape [24, 96]")]
    [InlineData("d_in", "25", "asks for [25, 96]")]
    [InlineData("k", "97", "at most d_sae 96")]
    [InlineData("k", "0", "'k' is 0")]
    [InlineData("k", "2.5", "a whole number")]
    [InlineData("architecture", "\"temporal\"", "'architecture' is \"temporal\"")]
    [InlineData("normalize_activations", "\"batch\"", "'normalize_activations' is \"batch\"")]
    [InlineData("reshape_activations", "\"hook_q\"", "none or hook_z")]
    [InlineData("d_sae", null, "'d_sae' is missing")]
    public void What_is_wrong_with_a_configuration_is_said_in_one_line(string key, string? value, string message)
    {
        var folder = CopyOf("topk-rescale");
        var file = Path.Combine(folder, "cfg.json");
        var keys = (JsonObject)JsonNode.Parse(File.ReadAllText(file))!;
        keys.Remove(key);
        if (value is not null) keys[key] = JsonNode.Parse(value);
        File.WriteAllText(file, keys.ToJsonString());
        var thrown = Assert.Throws<StudyException>(() => DictionaryFolder.Read(folder, ScalarType.Float32));
        Assert.Contains(message, thrown.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', thrown.Message);
    }

    [Fact]
    public void Folders_that_are_not_whole_are_refused()
    {
        Assert.Contains("no such folder", Refusal(Path.Combine(_root, "nowhere")), StringComparison.Ordinal);
        Assert.Contains("neither cfg.json nor config.json", Refusal(_root), StringComparison.Ordinal);
        var folder = CopyOf("jumprelu");
        File.WriteAllText(Path.Combine(folder, "cfg.json"), "{");
        Assert.Contains("no JSON", Refusal(folder), StringComparison.Ordinal);
        folder = CopyOf("jumprelu");
        using (NewDisposeScope())
        {
            using var read = DictionaryFolder.Read(folder, ScalarType.Float32);
            var tensors = read.Dictionary.Weights.All.ToList();
            File.Delete(Path.Combine(folder, "sae_weights.safetensors"));
            Assert.Contains("no sae_weights.safetensors", Refusal(folder), StringComparison.Ordinal);
            SafetensorsWriter.Write(Path.Combine(folder, "sae_weights.safetensors"), tensors.Where(t => t.Name != "threshold"));
            Assert.Contains("threshold is missing", Refusal(folder), StringComparison.Ordinal);
            tensors[0].Tensor[0] = float.NaN;
            SafetensorsWriter.Write(Path.Combine(folder, "sae_weights.safetensors"), tensors);
            Assert.Contains("NaN", Refusal(folder), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void State_dicts_of_dictionary_learning_are_read()
    {
        using var scope = NewDisposeScope();
        var (x, encoder, bias, decoder, centre) = (randn(5, 6), randn(9, 6), randn(9), randn(6, 9), randn(6));
        Learned("BatchTopKSAE", [("encoder.weight", encoder), ("encoder.bias", bias), ("decoder.weight", decoder), ("b_dec", centre),
            ("threshold", tensor(0.3f)), ("k", tensor(2L))]);
        var before = (x - centre).matmul(encoder.t()) + bias;
        CheckCodes(before.relu() * (before > 0.3f).to_type(ScalarType.Float32), decoder, centre);
        Learned("AutoEncoder", [("encoder.weight", encoder), ("encoder.bias", bias), ("decoder.weight", decoder), ("bias", centre)]);
        CheckCodes(before.relu(), decoder, centre);
        Learned("GatedAutoEncoder", [("encoder.weight", encoder), ("decoder.weight", decoder), ("decoder_bias", centre),
            ("r_mag", bias * 0.1f), ("gate_bias", bias), ("mag_bias", bias * 2)]);
        var linear = (x - centre).matmul(encoder.t());
        CheckCodes((linear + bias > 0).to_type(ScalarType.Float32) * (linear * (bias * 0.1f).exp() + bias * 2).relu(), decoder, centre);
        Learned("CrossCoder", [("encoder.weight", encoder), ("decoder.weight", decoder)]);
        Assert.Contains("dict_class is CrossCoder", Refusal(Path.Combine(_root, "learned")), StringComparison.Ordinal);

        void Learned(string kind, (string, Tensor)[] tensors)
        {
            var folder = Directory.CreateDirectory(Path.Combine(_root, "learned")).FullName;
            File.WriteAllText(Path.Combine(folder, "config.json"),
                new JsonObject { ["trainer"] = new JsonObject { ["dict_class"] = kind, ["k"] = 2 } }.ToJsonString());
            SafetensorsWriter.Write(Path.Combine(folder, "ae.safetensors"), tensors);
        }

        void CheckCodes(Tensor codes, Tensor decoderWeight, Tensor decoderBias)
        {
            using var read = DictionaryFolder.Read(Path.Combine(_root, "learned"), ScalarType.Float32);
            var encoding = read.Dictionary.Encode(x);
            Assert.True(encoding.Activations.allclose(codes, 1e-5, 1e-5));
            Assert.True(read.Dictionary.Decode(codes, encoding.Frame).allclose(codes.matmul(decoderWeight.t()) + decoderBias, 1e-5, 1e-5));
        }
    }

    private static string Case(string name) => TestData.Path(Path.Combine("dictionaries", name));

    private static string Refusal(string folder) =>
        Assert.Throws<StudyException>(() => DictionaryFolder.Read(folder, ScalarType.Float32)).Message;

    private string CopyOf(string name)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_root, name)).FullName;
        foreach (var file in Directory.GetFiles(Case(name))) File.Copy(file, Path.Combine(folder, Path.GetFileName(file)), overwrite: true);
        return folder;
    }

    private void CheckAgainst(string folder, SparseDictionary dictionary, double tolerance)
    {
        using var scope = NewDisposeScope();
        var results = Path.Combine(_root, "results.safetensors");
        DictionaryDump.Write(dictionary, Path.Combine(folder, "io.safetensors"), "x", results);
        using var expected = SafetensorsFile.Open(Path.Combine(folder, "io.safetensors"));
        using var actual = SafetensorsFile.Open(results);
        foreach (var name in expected.Names.Where(n => n != "x"))
        {
            var (want, got) = (expected.Read(name, ScalarType.Float64), actual.Read(name, ScalarType.Float64));
            Assert.Equal(want.shape, got.shape);
            Assert.InRange(((want - got).abs().max() / want.abs().max()).ToDouble(), 0, tolerance);
            if (name == "acts") Assert.True((want != 0).Equals(got != 0), "other latents are active");
        }
    }
}
