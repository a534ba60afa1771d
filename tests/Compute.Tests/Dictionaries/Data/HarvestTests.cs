using InterpActors.Compute.Dictionaries.Data;
using InterpActors.Compute.Interventions;
using InterpActors.Compute.Models;
using InterpActors.Compute.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Dictionaries.Data;

public sealed class HarvestTests
{
    public static TheoryData<string, string> Hooks => new()
    {
        { "gpt", "blocks.1.hook_resid_pre" }, { "gpt", "blocks.2.hook_resid_post" }, { "gpt", "blocks.0.hook_mlp_out" },
            { "gpt", "blocks.1.attn.hook_q" },
        { "llama", "blocks.1.hook_resid_mid" }, { "llama", "blocks.2.attn.hook_z" }, { "llama", "blocks.1.attn.hook_k" },
            { "llama", "blocks.3.mlp.hook_post" },
        { "llama", "blocks.0.hook_attn_out" },
    };

    [Theory]
    [MemberData(nameof(Hooks))]
    public void Engine_stops_where_it_is_asked_to_and_agrees_with_the_plain_forward(string model, string hook)
    {
        using var scope = NewDisposeScope();
        var config = model == "gpt" ? RandomModels.Gpt : RandomModels.Llama;
        using var weights = RandomModels.Weights(config);
        using var engine = new InterventionEngine(weights, MatmulRoutes.Packed);
        using var plain = new HookedTransformer(weights);
        int[][] prompts = [RandomModels.Prompt(config, 9, 1), RandomModels.Prompt(config, 4, 2), RandomModels.Prompt(config, 17, 3)];
        var site = HarvestSite.Of(hook, config, "hook");

        var rows = engine.Activations(prompts, site.Component!.Value, site.Layer);

        var expected = cat([.. prompts.Select(p =>
        {
            var hooks = new HookSet { StopsWhenRead = true }.Read(hook);
            plain.Forward([p], hooks);
            return hooks.Activations[hook][0].reshape(p.Length, site.Width);
        })]);
        Assert.Equal(expected.shape, rows.shape);
        Assert.True((rows - expected).abs().max().ToDouble() < 1e-12);
    }

    [Fact]
    public void Forward_ends_after_the_last_read()
    {
        using var scope = NewDisposeScope();
        using var weights = RandomModels.Weights(RandomModels.Gpt);
        using var plain = new HookedTransformer(weights);
        var late = false;
        var hooks = new HookSet { StopsWhenRead = true }.Read("blocks.0.hook_resid_post");
        hooks.Write("blocks.1.hook_resid_pre", x =>
        {
            late = true;
            return x;
        });

        plain.Forward([[1, 2, 3]], hooks);

        Assert.False(late);
    }

    [Fact]
    public void Site_names_one_point_with_rows()
    {
        Assert.Equal(32, HarvestSite.Of("blocks.1.attn.hook_z", RandomModels.Gpt, "hook").Width);
        Assert.Null(HarvestSite.Of("blocks.1.ln2.hook_normalized", RandomModels.Gpt, "hook").Component);
        foreach (var bad in (string[])["resid_post", "blocks.1.attn.hook_pattern", "blocks.9.hook_resid_post"])
            Assert.Throws<Messages.Studies.StudyException>(() => HarvestSite.Of(bad, RandomModels.Gpt, "hook"));
    }
}
