using System.Security.Cryptography;
using System.Text.Json.Nodes;
using InterpActors.Compute.Models;
using InterpActors.Compute.SmallModels;
using InterpActors.Compute.Text;
using InterpActors.Compute.Weights;
using static TorchSharp.torch;

namespace InterpActors.Compute.GroundTruth;

/// <summary>The hand-built models that ship: builds them, and writes their folders.</summary>
public static class GroundTruthModels
{
    /// <summary>The sharpness of the shipped models.</summary>
    public const double Beta = 4;

    /// <summary>The name mover's strength in the shipped models.</summary>
    public const double Gamma = 8;

    public static IReadOnlyList<string> Names { get; } = ["gt-ind", "gt-ioi", "gt-ioi-b"];

    /// <summary>Builds a model in fp64.</summary>
    /// <exception cref="ArgumentException">No such model.</exception>
    public static HandBuiltModel Build(string name, double beta = Beta, double gamma = Gamma) => name switch
    {
        "gt-ind" => InductionModel.Build(name, beta, gamma),
        "gt-ioi" => IoiModel.Build(name, false, beta, gamma),
        "gt-ioi-b" => IoiModel.Build(name, true, beta, gamma),
        _ => throw new ArgumentException($"no hand-built model is called '{name}'", nameof(name)),
    };

    /// <summary>Writes a model's folder. The same bytes every time.</summary>
    public static void Write(string name, string folder)
    {
        using var model = Build(name);
        Write(model, folder);
    }

    /// <summary>
    /// Writes a model's folder: <c>config.json</c>, <c>model.safetensors</c> (in single precision where that holds every weight exactly, as
    /// it does for the shipped models), <c>tokenizer.json</c>, <c>tokenizer_config.json</c> and <c>truth.json</c>.
    /// </summary>
    public static void Write(HandBuiltModel model, string folder)
    {
        Directory.CreateDirectory(folder);
        WriteWeights(model.Weights, Path.Combine(folder, "model.safetensors"));
        var config = model.Weights.Config;
        JsonFile.Write(Path.Combine(folder, "config.json"), new JsonObject
        {
            ["model_type"] = HandBuiltModel.Family,
            ["n_layer"] = config.Layers,
            ["n_head"] = config.Heads,
            ["d_head"] = config.HeadWidth,
            ["n_embd"] = config.ModelWidth,
            ["n_positions"] = config.ContextLength,
            ["vocab_size"] = config.Vocabulary,
            ["attention_scale"] = config.AttentionScale,
            ["beta"] = model.Beta,
            ["gamma"] = model.Gamma,
        });
        WordLevelTokenizerFiles.Write(folder, model.Pieces, config.ContextLength);
        JsonFile.Write(Path.Combine(folder, "truth.json"),
            TruthFile.Of(model, Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(folder, "model.safetensors"))))));
    }

    private static void WriteWeights(ModelWeights weights, string path)
    {
        using var scope = NewDisposeScope();
        var tensors = new List<(string Name, Tensor Tensor)>
        {
            ("embed.W_E", weights.Embedding), ("pos_embed.W_pos", weights.PositionEmbedding!), ("unembed.W_U", weights.Unembedding),
        };
        for (var l = 0; l < weights.Blocks.Count; l++)
        {
            tensors.Add(($"blocks.{l}.attn.W_QKV", weights.Blocks[l].QueryKeyValue));
            tensors.Add(($"blocks.{l}.attn.W_O", weights.Blocks[l].Output));
        }
        var single = tensors.All(t => t.Tensor.to(ScalarType.Float32).to(ScalarType.Float64).Equals(t.Tensor));
        SafetensorsWriter.Write(path, tensors.Select(t => (t.Name, single ? t.Tensor.to(ScalarType.Float32) : t.Tensor)));
    }
}
