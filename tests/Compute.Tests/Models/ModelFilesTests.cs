using InterpActors.Compute.Models;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Models;

/// <summary>Layouts of files that hold the same model, and files that do not hold what they should.</summary>
public sealed class ModelFilesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("model-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Writes a changed copy of a test model and returns its place.</summary>
    private ModelLocation Copy(string model, Action<Dictionary<string, Tensor>>? change = null, Func<string, string>? config = null)
    {
        using var scope = NewDisposeScope();
        using var file = SafetensorsFile.Open(TestData.Path($"models/{model}/model.safetensors"));
        var tensors = file.Names.ToDictionary(n => n, n => file.Read(n));
        change?.Invoke(tensors);
        SafetensorsWriter.Write(Path.Combine(_folder, "model.safetensors"), tensors.Select(t => (t.Key, t.Value)));
        var json = File.ReadAllText(TestData.Path($"models/{model}/config.json"));
        File.WriteAllText(Path.Combine(_folder, "config.json"), config?.Invoke(json) ?? json);
        return ModelLoader.Locate(_folder, ".");
    }

    private static void Same(ModelWeights expected, ModelWeights actual)
    {
        foreach (var (a, b) in expected.Tensors().Zip(actual.Tensors())) Assert.True(a.Equals(b));
        Assert.Equal(expected.Tensors().Count(), actual.Tensors().Count());
    }

    private static StudyException Refused(ModelLocation location)
    {
        var error = Assert.Throws<StudyException>(() => ModelLoader.LoadWeights(location, ScalarType.Float32, WeightProcessing.None));
        Assert.DoesNotContain('\n', error.Message);
        return error;
    }

    [Fact]
    public void Published_gpt2_files_without_prefix_and_with_mask_buffers_are_the_same_model()
    {
        var location = Copy("gpt2", tensors =>
        {
            foreach (var name in tensors.Keys.ToList())
            {
                tensors[name["transformer.".Length..]] = tensors[name];
                tensors.Remove(name);
            }
            for (var layer = 0; layer < 3; layer++)
            {
                tensors[$"h.{layer}.attn.bias"] = ones(1, 1, 40, 40).tril();
                tensors[$"h.{layer}.attn.masked_bias"] = tensor(-1e4f);
            }
        });
        using var expected = ModelLoader.LoadWeights(ModelLoaderTests.Model("gpt2"), ScalarType.Float64, WeightProcessing.None);
        using var actual = ModelLoader.LoadWeights(location, ScalarType.Float64, WeightProcessing.None);
        Same(expected, actual);
    }

    [Fact]
    public void Shards_are_the_same_model_and_a_missing_one_is_named()
    {
        Copy("qwen2-bf16");
        using (NewDisposeScope())
        {
            using var file = SafetensorsFile.Open(Path.Combine(_folder, "model.safetensors"));
            var halves = file.Names.Select((name, i) => (Name: name, Shard: $"model-0000{1 + i % 2}-of-00002.safetensors")).ToList();
            foreach (var shard in halves.GroupBy(h => h.Shard))
                SafetensorsWriter.Write(Path.Combine(_folder, shard.Key), shard.Select(h => (h.Name, file.Read(h.Name))));
            File.WriteAllText(Path.Combine(_folder, "model.safetensors.index.json"),
                "{\"weight_map\":{" + string.Join(",", halves.Select(h => $"\"{h.Name}\":\"{h.Shard}\"")) + "}}");
        }
        File.Delete(Path.Combine(_folder, "model.safetensors"));
        var location = ModelLoader.Locate(_folder, ".");
        using var expected = ModelLoader.LoadWeights(ModelLoaderTests.Model("qwen2-bf16"), ScalarType.Float32, WeightProcessing.None);
        using (var actual = ModelLoader.LoadWeights(location, ScalarType.Float32, WeightProcessing.None)) Same(expected, actual);
        Assert.Equal(["BF16"], ModelLoader.Inspect(location).StoredTypes.Keys);

        File.Delete(Path.Combine(_folder, "model-00002-of-00002.safetensors"));
        Assert.Contains("model-00002-of-00002.safetensors: the file does not exist", Refused(location).Message);
        File.WriteAllText(Path.Combine(_folder, "model.safetensors.index.json"), """{"weight_map":{"a":"../../etc/passwd"}}""");
        Assert.Contains("not the name of a file in this folder", Refused(location).Message);
    }

    [Fact]
    public void A_link_to_the_file_is_as_good_as_the_file()
    {
        File.Copy(TestData.Path("models/gpt2/config.json"), Path.Combine(_folder, "config.json"));
        File.CreateSymbolicLink(Path.Combine(_folder, "model.safetensors"), TestData.Path("models/gpt2/model.safetensors"));
        var location = ModelLoader.Locate(_folder, ".");
        using var weights = ModelLoader.LoadWeights(location, ScalarType.Float32, WeightProcessing.None);
        Assert.Equal(new FileInfo(TestData.Path("models/gpt2/model.safetensors")).Length, ModelLoader.Inspect(location).FileBytes);
    }

    [Fact]
    public void Biases_of_a_llama_are_read_where_they_are()
    {
        var location = Copy("qwen2-bf16", tensors =>
        {
            for (var layer = 0; layer < 2; layer++)
            {
                tensors[$"model.layers.{layer}.self_attn.o_proj.bias"] = full(64, 2f + layer);
                tensors[$"model.layers.{layer}.mlp.gate_proj.bias"] = full(96, 3f);
                tensors[$"model.layers.{layer}.mlp.up_proj.bias"] = full(96, 4f);
                tensors[$"model.layers.{layer}.mlp.down_proj.bias"] = full(64, 5f);
            }
        }, json => json.Replace("\"qwen2\"", "\"llama\""));
        using var weights = ModelLoader.LoadWeights(location, ScalarType.Float64, WeightProcessing.None);
        var block = weights.Blocks[1];
        Assert.Equal([96], block.QueryKeyValueBias!.shape);
        Assert.Equal(3.0, block.OutputBias!.mean().item<double>());
        Assert.Equal([3, 4], [block.MlpInBias![95].item<double>(), block.MlpInBias[96].item<double>()]);
        Assert.Equal(5.0, block.MlpOutBias!.mean().item<double>());
    }

    [Fact]
    public void An_untied_head_is_read_and_a_missing_one_refused()
    {
        string Untied(string json) => json.Replace("\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false");
        Assert.Contains("the tensor 'lm_head.weight' is missing, expected shape [320, 40]", Refused(Copy("gpt2", config: Untied)).Message);
        var untied = Copy("gpt2", t => t["lm_head.weight"] = full([320, 40], 7f), Untied);
        using var weights = ModelLoader.LoadWeights(untied, ScalarType.Float32, WeightProcessing.None);
        Assert.Equal(7f, weights.Unembedding.mean().item<float>());
    }

    [Fact]
    public void Own_attention_only_models_are_read_with_and_without_biases()
    {
        File.WriteAllText(Path.Combine(_folder, "config.json"),
            """
            {"model_type":"attention-only","n_layer":1,"n_head":2,"d_head":3,"n_embd":7,"n_positions":5,"vocab_size":11,
            "attention_scale":0.5}
            """);
        using var scope = NewDisposeScope();
        var tensors = new List<(string, Tensor)>
        {
            ("embed.W_E", randn(11, 7)), ("pos_embed.W_pos", randn(5, 7)), ("blocks.0.attn.W_QKV", randn(18, 7)),
            ("blocks.0.attn.W_O", randn(7, 6)), ("unembed.W_U", randn(11, 7)),
        };
        SafetensorsWriter.Write(Path.Combine(_folder, "model.safetensors"), tensors);
        var location = ModelLoader.Locate(_folder, ".");
        using (var plain = ModelLoader.LoadWeights(location, ScalarType.Float64, WeightProcessing.None))
        {
            Assert.Equal(0.5, plain.Config.AttentionScale);
            Assert.Null(plain.Blocks[0].QueryKeyValueBias);
            Assert.True(tensors[2].Item2.to(ScalarType.Float64).Equals(plain.Blocks[0].QueryKeyValue));
        }
        tensors.Add(("blocks.0.attn.b_QKV", randn(18)));
        tensors.Add(("blocks.0.attn.b_O", randn(7)));
        SafetensorsWriter.Write(Path.Combine(_folder, "model.safetensors"), tensors);
        using var biased = ModelLoader.LoadWeights(location, ScalarType.Float32, WeightProcessing.None);
        Assert.True(tensors[^2].Item2.Equals(biased.Blocks[0].QueryKeyValueBias!));
        Assert.True(tensors[^1].Item2.Equals(biased.Blocks[0].OutputBias!));
    }

    [Fact]
    public void Names_what_is_missing_misshapen_strange_or_not_a_number()
    {
        Assert.Contains("the tensor 'transformer.h.1.mlp.c_fc.bias' is missing, expected shape [160]",
            Refused(Copy("gpt2", t => t.Remove("transformer.h.1.mlp.c_fc.bias"))).Message);
        Assert.Contains("tensor transformer.h.2.attn.c_proj.weight: its shape is [40, 39], expected [40, 40]",
            Refused(Copy("gpt2", t => t["transformer.h.2.attn.c_proj.weight"] = zeros(40, 39))).Message);
        Assert.Contains("tensor transformer.ln_f.bias: its type is I64",
            Refused(Copy("gpt2", t => t["transformer.ln_f.bias"] = zeros(40, dtype: ScalarType.Int64))).Message);
        Assert.Contains("the tensor 'model.layers.1.self_attn.q_norm.weight' is no part of a qwen2 model",
            Refused(Copy("qwen2-bf16", t => t["model.layers.1.self_attn.q_norm.weight"] = ones(16))).Message);
        Assert.Contains("tensor transformer.wte.weight: its element [300, 39] is NaN",
            Refused(Copy("gpt2", t => t["transformer.wte.weight"][300, 39] = float.NaN)).Message);
        Assert.Contains("tensor transformer.h.0.attn.c_attn.weight: its element [39, 119] is infinite",
            Refused(Copy("gpt2", t => t["transformer.h.0.attn.c_attn.weight"][39, 119] = float.NegativeInfinity)).Message);
        Assert.Contains("tensor transformer.ln_f.weight: its element [0] is infinite in fp32; run with dtype fp64",
            Refused(Copy("gpt2", t => t["transformer.ln_f.weight"] = full(40, 1e39, dtype: ScalarType.Float64))).Message);
        File.Delete(Path.Combine(_folder, "model.safetensors"));
        Assert.Contains("there is neither model.safetensors nor model.safetensors.index.json",
            Refused(ModelLoader.Locate(_folder, ".")).Message);
    }

    [Fact]
    public void The_hash_is_of_the_model_alone()
    {
        var location = Copy("gpt2");
        var hash = ModelLoader.Sha256(location);
        Assert.Matches("^[0-9a-f]{64}$", hash);
        File.WriteAllText(Path.Combine(_folder, "notes.txt"), "not part of the model");
        Assert.Equal(hash, ModelLoader.Sha256(location));
        var elsewhere = Directory.CreateDirectory(Path.Combine(_folder, "elsewhere")).FullName;
        foreach (var file in new[] { "config.json", "model.safetensors" })
            File.Copy(Path.Combine(_folder, file), Path.Combine(elsewhere, file));
        Assert.Equal(hash, ModelLoader.Sha256(ModelLoader.Locate(elsewhere, ".")));
        File.WriteAllText(Path.Combine(elsewhere, "tokenizer.json"), "{}");
        Assert.NotEqual(hash, ModelLoader.Sha256(ModelLoader.Locate(elsewhere, ".")));
    }

    [Fact]
    public void Inspection_counts_every_parameter_once()
    {
        var inspection = ModelLoader.Inspect(ModelLoaderTests.Model("gpt2"));
        // 320·40 + 40·40 + 2·40 and per block 4·40 + 3·40·40 + 120 + 40·40 + 40 + 2·160·40 + 160 + 40.
        Assert.Equal(14480 + 3 * 19720, inspection.Parameters);
        Assert.Equal((true, false, 4 * inspection.Parameters), (inspection.TiedUnembedding, inspection.HasTokenizer, inspection.BytesFp32));
        Assert.Equal(inspection.Parameters, inspection.StoredTypes["F32"]);
        var quantised = ModelLoader.Inspect(ModelLoaderTests.Model("llama3.Q4_1.gguf"));
        Assert.True(quantised.HasTokenizer);
        Assert.Equal(["Q4_1", "F32"], quantised.StoredTypes.Keys);
    }

    [Fact]
    public void Folding_leaves_log_probabilities_alone_and_a_second_load_gives_the_same_bytes()
    {
        using var scope = NewDisposeScope();
        foreach (var name in new[] { "gpt2", "qwen2-bf16" })
        {
            using var plain = ModelLoader.LoadWeights(ModelLoaderTests.Model(name), ScalarType.Float64, WeightProcessing.None);
            using var folded = ModelLoader.LoadWeights(ModelLoaderTests.Model(name), ScalarType.Float64, WeightProcessing.Folded);
            using var again = ModelLoader.LoadWeights(ModelLoaderTests.Model(name), ScalarType.Float64, WeightProcessing.Folded);
            Same(folded, again);
            int[] prompt = [5, 17, 300, 2, 41];
            using HookedTransformer a = new(plain), b = new(folded);
            Tensor la = a.Forward([prompt]).log_softmax(-1), lb = b.Forward([prompt]).log_softmax(-1);
            Assert.InRange(ModelLoaderTests.Difference(la, lb), 0, 1e-12);
            Assert.True(ModelLoaderTests.Difference(a.Forward([prompt]), b.Forward([prompt])) > 1e-3);
        }
    }
}
