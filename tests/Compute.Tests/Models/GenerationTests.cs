using InterpActors.Compute.Models;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Models;

public class GenerationTests
{
    private static readonly SourcePlace Place = new("edits.conf", 3);

    [Fact]
    public void Each_token_is_the_most_likely_one_of_a_full_forward()
    {
        using var scope = NewDisposeScope();
        using var weights = RandomModels.Weights(RandomModels.Llama);
        using var model = new HookedTransformer(weights);
        var prompt = RandomModels.Prompt(weights.Config, 6, 1);
        var generated = Generation.Greedy(weights, prompt, 8).ToArray();
        Assert.Equal(8, generated.Length);
        for (var i = 0; i < 8; i++)
            Assert.Equal(model.Forward([[.. prompt, .. generated[..i]]])[0, -1].argmax().item<long>(), generated[i]);
        Assert.Equal(generated[..3], Generation.Greedy(weights, prompt, 8, generated[2]));
    }

    [Fact]
    public void It_ends_with_the_context()
    {
        using var weights = RandomModels.Weights(RandomModels.Gpt);
        Assert.Equal(4, Generation.Greedy(weights, RandomModels.Prompt(weights.Config, 45, 1), 100).Count());
    }

    [Theory]
    [InlineData("zero", 0.0)]
    [InlineData("scale", -3.0)]
    public void Edits_act_as_in_a_full_forward(string value, double factor)
    {
        using var scope = NewDisposeScope();
        using var weights = RandomModels.Weights(RandomModels.Llama);
        using var model = new HookedTransformer(weights);
        var prompt = RandomModels.Prompt(weights.Config, 6, 1);
        var edits = GenerationEdit.Read(Edits(("hook", "z"), ("head", "3"), ("value", value), ("by", value == "scale" ? "-3" : null)),
            weights.Config, ".", ScalarType.Float64);
        Assert.Equal(4, edits.Count);
        var generated = Generation.Greedy(weights, prompt, 5, null, edits).ToArray();
        for (var i = 0; i < 5; i++)
        {
            var hooks = new HookSet();
            foreach (var edit in edits) hooks.Write(edit.Hook, x =>
            {
                var y = x.contiguous().clone();
                y.select(2, 3).mul_(factor);
                return y;
            });
            Assert.Equal(model.Forward([[.. prompt, .. generated[..i]]], hooks)[0, -1].argmax().item<long>(), generated[i]);
        }
    }

    [Fact]
    public void A_latent_steers_as_in_a_full_forward()
    {
        using var scope = NewDisposeScope();
        using var weights = ModelLoader.LoadWeights(ModelLoader.Locate(TestData.Path("evaluation/tiny/model"), "."), ScalarType.Float64,
            WeightProcessing.None);
        using var model = new HookedTransformer(weights);
        int[] prompt = [256, 84, 104, 101, 32];
        var edit = Assert.Single(GenerationEdit.Read(
            Edits(("sae", TestData.Path("evaluation/tiny/topk")), ("latent", "7"), ("value", "set"), ("to", "40")),
            weights.Config, ".", ScalarType.Float64));
        Assert.Equal("blocks.1.hook_resid_post", edit.Hook);
        var generated = Generation.Greedy(weights, prompt, 4, null, [edit]).ToArray();
        var dictionary = edit.Latent!.Value.Dictionary;
        for (var i = 0; i < 4; i++)
        {
            var hooks = new HookSet().Write(edit.Hook, x =>
                x + (40 - dictionary.Encode(x).Activations.narrow(-1, 7, 1)) * dictionary.Weights["W_dec"][7]);
            Assert.Equal(model.Forward([[.. prompt, .. generated[..i]]], hooks)[0, -1].argmax().item<long>(), generated[i]);
        }
        Assert.NotEqual(Generation.Greedy(weights, prompt, 4).ToArray(), generated);
    }

    [Fact]
    public void An_edit_that_meets_none_of_its_positions_is_an_error()
    {
        using var weights = RandomModels.Weights(RandomModels.Gpt);
        GenerationEdit edit = new("blocks.0.hook_resid_pre", null, [9], GenerationEditKind.Mean, 0);
        var prompt = RandomModels.Prompt(weights.Config, 5, 1);
        Assert.Contains("never fired", Assert.Throws<StudyException>(() =>
            Generation.Greedy(weights, prompt, 3, null, [edit]).ToArray()).Message);
        Assert.Equal(6, Generation.Greedy(weights, prompt, 6, null, [edit]).Count());
    }

    [Theory]
    [InlineData("head", "4", "4 is out of range")]
    [InlineData("positions", "48", "48 is out of range")]
    [InlineData("value", "noise", "'noise' is not known")]
    [InlineData("hook", "pattern", "cannot be edited while generating")]
    [InlineData("hook", "blocks.0.hook_resid_pro", "did you mean 'blocks.0.hook_resid_pre'?")]
    [InlineData("heads", "1", "unknown key 'edits.heads'")]
    public void Edits_that_cannot_be_are_refused(string key, string text, string message)
    {
        var values = new Dictionary<string, string> { ["hook"] = "z", ["value"] = "zero", [key] = text };
        var root = Edits([.. values.Select(v => (v.Key, (string?)v.Value))]);
        var refused = Assert.Throws<StudyException>(() => GenerationEdit.Read(root, RandomModels.Gpt, ".", ScalarType.Float64));
        Assert.Contains(message, refused.Message);
    }

    private static StudyObject Edits(params (string Key, string? Value)[] values)
    {
        var edit = new StudyObject(Place);
        foreach (var (key, value) in values)
            if (value is not null) edit[key] = new StudyScalar(value, false, Place);
        return new StudyObject(Place) { ["edits"] = new StudyList([edit], Place) };
    }
}
