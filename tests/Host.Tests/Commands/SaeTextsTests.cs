using System.Text.Json.Nodes;
using InterpActors.Compute.Weights;
using InterpActors.Host.Commands;
using TorchSharp;

namespace InterpActors.Host.Tests.Commands;

/// <summary>Labelled texts as activations, and what evaluations make of them.</summary>
public sealed class SaeTextsTests : IDisposable
{
    private const string Hook = "blocks.1.hook_resid_post";

    private readonly string _root = Directory.CreateTempSubdirectory("sae-texts-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task Texts_become_activations_and_probes_that_all_three_metrics_read()
    {
        await WriteAsync(["0", "1", "2"]);
        var outcome = await Dump("--probes", "--exclude-tokens", "0");
        Assert.True(outcome.Code == ExitCode.Done, outcome.Error);
        Assert.Contains("train/1: 8 texts, 7 tokens at most", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Done, (await Interp.Here("model", "run", Interp.Model("tr-ioi"), "--prompts", At("texts.jsonl"),
            "--save", Hook, "--out", At("plain.safetensors"), "--dtype", "fp64")).Code);
        using (var scope = torch.NewDisposeScope())
        using (var file = SafetensorsFile.Open(At("texts.safetensors")))
        using (var plain = SafetensorsFile.Open(At("plain.safetensors")))
        {
            // The first text: its first token is excluded, then come five that count, then padding.
            var first = file.Read("train/0")[0];
            var same = plain.Read($"0/{Hook}");
            Assert.Equal(0, first[0].abs().max().item<double>());
            Assert.Equal(0, (first.narrow(0, 1, 5) - same.narrow(0, 1, 5)).abs().max().item<double>());
            Assert.Equal(0, first[6].abs().max().item<double>());
            Assert.Equal("resid_post", file.Metadata["hook"][^10..]);
        }
        await TrainAsync();
        var metrics = await EvaluateAsync("tpp");
        Assert.Contains("tpp_threshold_2_total_metric", metrics);

        await WriteAsync(["positive", "negative"]);
        Assert.Equal(ExitCode.Done, (await Dump()).Code);
        Assert.Contains("sae_top_1_test_accuracy", await EvaluateAsync("sparse-probing"));
        await WriteAsync(["male / female", "female_data_only", "professor / nurse", "nurse_data_only", "male_professor / female_nurse",
            "female_nurse_data_only"]);
        Assert.Equal(ExitCode.Done, (await Dump("--probes")).Code);
        Assert.Contains("scr_dir1_threshold_2", await EvaluateAsync("scr"));
    }

    [Theory]
    [InlineData("{\"split\":\"train\",\"tokens\":[1]}", "the line has no class")]
    [InlineData("{\"class\":\"a\",\"split\":\"dev\",\"tokens\":[1]}", "write \"split\":\"train\"")]
    [InlineData("{\"class\":\"a\",\"split\":\"train\",\"tokens\":[1]}", "texts of 'train/a' and none of 'test/a'")]
    [InlineData("{\"class\":\"a\",\"split\":\"train\",\"tokens\":[0]}", "no token of the text counts")]
    [InlineData("{\"class\":\"a\",\"split\":\"train\",\"tokens\":[9999]}", "token id 9999 is not in the vocabulary")]
    [InlineData(
        "{\"class\":\"a\",\"split\":\"train\",\"tokens\":[1]}\n{\"class\":\"a\",\"split\":\"test\",\"tokens\":[1]}",
        "one class only, 'a'")]
    [InlineData("", "the file holds no texts")]
    public async Task Texts_that_do_not_do_are_refused_in_one_line(string lines, string message)
    {
        await File.WriteAllTextAsync(At("texts.jsonl"), lines);
        var outcome = await Dump("--probes", "--exclude-tokens", "0");
        Assert.Equal(ExitCode.WrongInput, outcome.Code);
        Assert.Contains(message, Assert.Single(outcome.Error.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
        Assert.False(File.Exists(At("texts.safetensors")));
    }

    /// <summary>Eight texts of four to seven tokens for each class and split, whose tokens depend on the class.</summary>
    private Task WriteAsync(string[] classes) => File.WriteAllLinesAsync(At("texts.jsonl"),
        from c in Enumerable.Range(0, classes.Length)
        from split in (string[])["train", "test"]
        from i in Enumerable.Range(0, 8)
        let tokens = Enumerable.Range(0, i == 1 ? 7 : 6).Select(t => t == 0 ? 0 : 1 + (c * 7 + i * 3 + t * (c + 1)) % 19)
        select new JsonObject
        {
            ["split"] = split,
            ["class"] = classes[c],
            ["tokens"] = new JsonArray([.. tokens.Select(t => (JsonNode)t)]),
        }.ToJsonString());

    private Task<Outcome> Dump(params string[] more) => Interp.Here(["sae", "texts", Interp.Model("tr-ioi"), "--hook", Hook,
        "--texts", At("texts.jsonl"), "--out", At("texts.safetensors"), "--dtype", "fp64", .. more]);

    private async Task TrainAsync()
    {
        await File.WriteAllTextAsync(At("train.conf"), $$"""
            study { name = train
              model { path = "{{Interp.Model("tr-ioi")}}" }
              method { kind = sae-training, architecture = topk, d_sae = 128, k = 4, batch = 64, steps = 5
                data { kind = model, hook = {{Hook}}, tokens = "texts.jsonl" } } }
            """);
        var run = await Interp.Here("run", At("train.conf"), "--out", At("trained"), "--quiet");
        Assert.True(run.Code == ExitCode.Done, run.Error);
    }

    /// <summary>Names of the metrics that came out.</summary>
    private async Task<IEnumerable<string>> EvaluateAsync(string metric)
    {
        await File.WriteAllTextAsync(At("evaluate.conf"), $$"""
            study { name = evaluate
              method { kind = sae-evaluation, from = trained, metrics = {{metric}}, data { kind = texts, file = "texts.safetensors" } } }
            """);
        var run = await Interp.Here("run", At("evaluate.conf"), "--out", At(metric), "--quiet");
        Assert.True(run.Code == ExitCode.Done, run.Error);
        return (await File.ReadAllLinesAsync(At($"{metric}/results.csv"))).Skip(1).Select(l => l.Split(',')[4]);
    }

    private string At(string name) => Path.Combine(_root, name);
}
