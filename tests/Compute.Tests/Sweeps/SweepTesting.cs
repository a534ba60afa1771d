using InterpActors.Compute.Metrics;
using InterpActors.Compute.Models;
using InterpActors.Compute.Studies;
using InterpActors.Compute.Tasks;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Sweeps;

/// <summary>Studies of any shape without files.</summary>
internal static class SweepTesting
{
    public static ModelConfig Config(int layers, int heads, int keyValueHeads, bool mlp = true) => new(
        "llama", "shape", layers, heads, keyValueHeads, 8, 64, mlp ? 128 : 0, 4096, 100, NormKind.RmsNorm, 1e-5, ActivationKind.Silu, true,
        PositionKind.Rotary, null, 1, [.. Enumerable.Repeat<int?>(null, layers)]);

    public static PromptPair Pair(string id, int length, bool corrupted = true) => new(
        id, "t", [.. Enumerable.Range(0, length)],
        corrupted ? [.. Enumerable.Range(0, length).Select(i => i == length / 2 ? 99 : i)] : null, [1], [2],
        new Dictionary<string, int[]> { ["subject"] = [1, 2], ["end"] = [length - 1] });

    public static StudyContext Context(ModelConfig config, params PromptPair[] prompts) => new(
        "test", 0, ".", new StudyModel(new ModelLocation("/none", "none", ModelFormat.Gguf), "none", config, ScalarType.Float32,
            WeightProcessing.None, "00"),
        null, new TaskData("pairs", prompts, []), new MetricSpec("logit-difference", "last"));

    public static Study Study() =>
        new(StudyId.From("test", "{}"), "test", "activation-patching", "{}", "", ".", new ExecutionSettings(1, "torch"));

    public static StudySection Section(string text) =>
        new((StudyObject)StudyFile.Parse($"method {{ {text} }}", "test.conf")["method"]!, "study.method");
}
