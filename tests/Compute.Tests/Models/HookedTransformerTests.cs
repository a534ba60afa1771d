using InterpActors.Compute.Models;
using InterpActors.Messages.Studies;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Models;

public class HookedTransformerTests
{
    public static TheoryData<string> Configs => [.. RandomModels.All.Select(c => c.Name)];

    private static ModelConfig Config(string name) => RandomModels.All.First(c => c.Name == name);

    [Theory, MemberData(nameof(Configs))]
    public void Every_hook_point_is_read_with_its_shape_and_every_edit_reaches_the_logits(string name)
    {
        using var scope = NewDisposeScope();
        var config = Config(name);
        using var weights = RandomModels.Weights(config);
        using var model = new HookedTransformer(weights);
        int[][] prompts = [RandomModels.Prompt(config, 7, 1), RandomModels.Prompt(config, 7, 2)];
        var points = HookNames.All(config);
        var reads = new HookSet().Read(points.Select(p => p.Name));
        var logits = model.Forward(prompts, reads);
        Assert.Empty(reads.Unfired);
        foreach (var point in points)
        {
            var dims = string.Join(", ", reads.Activations[point.Name].shape.Skip(1));
            Assert.Equal(point.Shape.Replace("pos", "7").Replace("query", "7").Replace("key", "7"), $"[{dims}]");
            var edited = model.Forward(prompts,
                new HookSet().Write(point.Name, x => point.Name.EndsWith("scores") ? x * 1.25 : x + x.square() * 0.3));
            Assert.True((edited - logits).abs().max().ToDouble() > 1e-6, $"editing {point.Name} changed nothing");
        }
    }

    [Theory, MemberData(nameof(Configs))]
    public void An_edit_that_writes_what_was_there_changes_nothing(string name)
    {
        using var scope = NewDisposeScope();
        var config = Config(name);
        using var weights = RandomModels.Weights(config);
        using var model = new HookedTransformer(weights);
        int[][] prompts = [RandomModels.Prompt(config, 6, 3)];
        var logits = model.Forward(prompts);
        var hooks = new HookSet();
        foreach (var point in HookNames.All(config)) hooks.Write(point.Name, x => x.clone());
        Assert.True((model.Forward(prompts, hooks) - logits).abs().max().ToDouble() < 1e-12);
    }

    [Theory, MemberData(nameof(Configs))]
    public void Tokens_one_by_one_through_the_cache_give_the_logits_of_one_forward(string name)
    {
        using var scope = NewDisposeScope();
        var config = Config(name);
        using var weights = RandomModels.Weights(config, affineNorms: false, tied: true);
        using var model = new HookedTransformer(weights);
        var prompt = RandomModels.Prompt(config, 9, 4);
        var whole = model.Forward([prompt]);
        using var past = new KeyValueCache(config.Layers);
        foreach (var (chunk, at) in new[] { (prompt[..5], 0), (prompt[5..6], 5), (prompt[6..], 6) })
        {
            var part = model.Forward(tensor(chunk.Select(t => (long)t).ToArray(), [1, chunk.Length]), null, past);
            Assert.True((part - whole.narrow(1, at, chunk.Length)).abs().max().ToDouble() < 1e-12);
        }
    }

    [Fact]
    public void Gradients_reach_every_weight()
    {
        using var scope = NewDisposeScope();
        using var weights = RandomModels.Weights(RandomModels.Llama);
        foreach (var w in weights.Tensors()) w.requires_grad_();
        using var model = new HookedTransformer(weights);
        model.Forward([RandomModels.Prompt(weights.Config, 6, 5)]).square().mean().backward();
        foreach (var w in weights.Tensors()) Assert.True(w.grad is { } g && g.abs().max().ToDouble() > 0);
    }

    [Fact]
    public void A_window_hides_keys_beyond_it()
    {
        using var scope = NewDisposeScope();
        using var weights = RandomModels.Weights(RandomModels.Mistral);
        using var model = new HookedTransformer(weights);
        var hooks = new HookSet().Read("blocks.0.attn.hook_pattern");
        model.Forward([RandomModels.Prompt(weights.Config, 8, 6)], hooks);
        var pattern = hooks.Activations["blocks.0.attn.hook_pattern"][0, 0];
        for (var q = 0; q < 8; q++)
            for (var k = 0; k < 8; k++)
                Assert.Equal(k <= q && k > q - 4, pattern[q, k].ToDouble() > 0);
    }

    [Theory]
    [InlineData(new int[0], "a prompt without tokens")]
    [InlineData(new[] { 1, 41 }, "token id 41 is not in the vocabulary")]
    [InlineData(new[] { -1 }, "token id -1 is not in the vocabulary")]
    public void Prompts_that_the_model_cannot_take_are_refused(int[] prompt, string message)
    {
        using var weights = RandomModels.Weights(RandomModels.Gpt);
        using var model = new HookedTransformer(weights);
        Assert.Contains(message, Assert.Throws<StudyException>(() => model.Forward([prompt])).Message);
        Assert.Contains("49 tokens are more than", Assert.Throws<StudyException>(() => model.Forward([new int[49]])).Message);
    }
}
