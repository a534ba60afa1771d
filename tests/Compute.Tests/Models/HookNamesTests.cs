using InterpActors.Compute.Models;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Tests.Models;

public class HookNamesTests
{
    [Theory]
    [InlineData("resid_pre", "blocks.0.hook_resid_pre blocks.1.hook_resid_pre blocks.2.hook_resid_pre")]
    [InlineData("hook_resid_pre", "blocks.0.hook_resid_pre blocks.1.hook_resid_pre blocks.2.hook_resid_pre")]
    [InlineData("blocks.*.hook_resid_pre", "blocks.0.hook_resid_pre blocks.1.hook_resid_pre blocks.2.hook_resid_pre")]
    [InlineData("blocks.{0,2}.attn.hook_pattern", "blocks.0.attn.hook_pattern blocks.2.attn.hook_pattern")]
    [InlineData("z1", "blocks.1.attn.hook_z")]
    [InlineData("attn_scores2", "blocks.2.attn.hook_attn_scores")]
    [InlineData("pre0", "blocks.0.mlp.hook_pre")]
    [InlineData("scale1ln2", "blocks.1.ln2.hook_scale")]
    [InlineData("scale", "ln_final.hook_scale")]
    [InlineData("blocks.1.hook_in", "blocks.1.hook_resid_pre")]
    [InlineData("blocks.?.attn.hook_result", "blocks.0.attn.hook_result blocks.1.attn.hook_result blocks.2.attn.hook_result")]
    [InlineData("logits", "logits")]
    [InlineData("hook_embed", "hook_embed")]
    public void Names_short_forms_and_globs_resolve(string asked, string expected) =>
        Assert.Equal(expected, string.Join(' ', HookNames.Resolve(RandomModels.Gpt, [asked])));

    [Fact]
    public void A_star_is_everything_but_what_only_exists_on_request()
    {
        var all = HookNames.Resolve(RandomModels.Gpt, ["*"]);
        Assert.Equal(HookNames.All(RandomModels.Gpt).Where(p => !p.OnRequest).Select(p => p.Name), all);
        Assert.DoesNotContain("blocks.0.attn.hook_result", all);
    }

    [Theory]
    [InlineData("blocks.0.hook_resid_prr", "did you mean 'blocks.0.hook_resid_pre'?")]
    [InlineData("patern", "did you mean 'pattern'?")]
    [InlineData("blocks.7.*", "no hook point matches")]
    [InlineData("blocks.3.hook_resid_pre", "unknown hook")]
    [InlineData("rot_q", "unknown hook 'rot_q'")]
    public void What_does_not_exist_is_refused_with_the_nearest_name(string asked, string message) =>
        Assert.Contains(message, Assert.Throws<StudyException>(() => HookNames.Resolve(RandomModels.Gpt, ["z", asked], "--save")).Message);
}
