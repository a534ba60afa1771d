using InterpActors.Compute.Models;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Models;

public sealed class ActivationDumpTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dump-").FullName;

    [Fact]
    public void Names_of_every_prompt_are_saved_without_a_batch_dimension()
    {
        using var scope = NewDisposeScope();
        using var weights = RandomModels.Weights(RandomModels.Gpt);
        var file = Path.Combine(_folder, "a.safetensors");
        Prompt[] prompts = [new("x", RandomModels.Prompt(weights.Config, 4, 1)), new("1", RandomModels.Prompt(weights.Config, 7, 2))];
        var results = ActivationDump.Write(weights, prompts, ["resid_pre", "tokens", "blocks.1.attn.hook_pattern", "logits"], file, top: 3);
        using var saved = SafetensorsFile.Open(file);
        Assert.Equal(12, saved.Tensors.Count);
        using var model = new HookedTransformer(weights);
        var logits = model.Forward([prompts[1].Tokens])[0];
        Assert.Equal([3, 3], results.Select(r => r.Top.Count));
        Assert.Equal(logits[-1].argmax().item<long>(), results[1].Top[0].Token);
        Assert.Equal(logits[-1].max().ToDouble(), results[1].Top[0].Logit, 1e-12);
        Assert.Contains("x/tokens", saved.Tensors.Keys);
        Assert.Equal([7L, 41L], saved.Tensors["1/logits"].Shape);
        Assert.Equal([4L, 4L, 4L], saved.Tensors["x/blocks.1.attn.hook_pattern"].Shape);
    }

    [Theory]
    [InlineData("{\"tokens\":[1,2]}\n\n{\"id\":\"b\",\"tokens\":[3]}", null)]
    [InlineData("{\"tokens\":[1,99]}", "F.jsonl:1: token id 99 is not in the vocabulary")]
    [InlineData("{\"tokens\":[1]}\n{\"id\":\"0\",\"tokens\":[1]}", "F.jsonl:2: the id '0' is taken")]
    [InlineData("{\"text\":\"a\"}", "the model has no tokenizer")]
    [InlineData("{\"tokens\":[1.5]}", "F.jsonl:1: 'tokens' holds 1.5, which is no token id")]
    [InlineData("[1]", "a prompt must be a JSON object")]
    [InlineData("{", "not valid JSON")]
    [InlineData("{\"tokens\":[]}", "'tokens' is empty")]
    [InlineData("", "no prompts")]
    public void Prompt_files(string text, string? error)
    {
        var file = Path.Combine(_folder, "F.jsonl");
        File.WriteAllText(file, text);
        if (error is null) Assert.Equal(["0", "b"], PromptFile.Read(file, RandomModels.Gpt, null).Select(p => p.Id));
        else Assert.Contains(error, Assert.Throws<StudyException>(() => PromptFile.Read(file, RandomModels.Gpt, null)).Message);
    }

    public void Dispose() => Directory.Delete(_folder, true);
}
