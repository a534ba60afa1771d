using InterpActors.Compute.Interventions;
using InterpActors.Compute.Sweeps;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Tests.Sweeps;

public sealed class SweepKeysTests
{
    private static readonly SweepKeyOptions All = new([.. Enum.GetValues<Component>()], Granularity.All) { Sets = true };

    private static SweepGrid Read(string text, int[]? lengths = null, bool mlp = true) => SweepKeys.Read(
        SweepTesting.Section(text),
        SweepTesting.Context(SweepTesting.Config(3, 4, 2, mlp), [.. (lengths ?? [9, 9]).Select((l, i) => SweepTesting.Pair($"p{i}", l))]),
            All);

    private static string[] Cells(SweepGrid grid) =>
        [.. grid.Blocks.SelectMany(b => Enumerable.Range(0, (int)b.Cells).Select(c => b[c].Label))];

    [Fact]
    public void Plan_order_is_layer_component_head_place()
    {
        Assert.Equal(["k 1.0 @ subject", "k 1.0 @ end", "k 1.1 @ subject", "k 1.1 @ end", "resid_pre 1 @ subject", "resid_pre 1 @ end",
            "k 2.0 @ subject"],
            Cells(Read("components = [k, resid_pre], by = role, layers = [2, 1]")).Take(7));
    }

    [Fact]
    public void Narrowing_keeps_what_was_asked_for()
    {
        Assert.Equal(["z 1.3 @ 0", "z 1.3 @ 8"],
            Cells(Read("components = [z], by = position, layers = 1, heads = [3], positions = [-1, 0]")));
        Assert.Equal(["resid_pre 2", "mlp_out 2"], Cells(Read("hooks = [blocks.2.hook_mlp_out, \"blocks.2.hook_*_pre\"]")));
        Assert.Equal(["q 0.0 @ end"],
            Cells(Read("components = [q], by = role, roles = [end], hooks = [blocks.0.attn.hook_q], heads = [0]")));
    }

    [Fact]
    public void Sets_are_written_together_and_stand_in_their_lowest_layer()
    {
        var grid = Read("components = [attn_out], layers = [1], sets = [\"a2.h3 a0.h1\", \"m1\"]");

        Assert.Equal(["z 2.3 + z 0.1", "attn_out 1", "mlp_out 1"], Cells(grid));
        Assert.Equal("blocks.2.attn.hook_z blocks.0.attn.hook_z", grid.Blocks[0][0].Hook);
        Assert.Null(grid.Blocks[0][0].Layer);
    }

    [Theory]
    [InlineData("components = [resid_per]", "resid_pre")]
    [InlineData("components = [z], layers = [3]", "0 to 2")]
    [InlineData("components = [z], heads = [4]", "0 to 3")]
    [InlineData("components = [z, k], heads = [3]", "out of range for k")]
    [InlineData("components = [resid_pre], heads = [0]", "has heads")]
    [InlineData("components = [z], by = position, positions = [9]", "out of range")]
    [InlineData("components = [z], by = position, positions = [-10]", "out of range")]
    [InlineData("components = [z], by = role, roles = [sbject]", "subject")]
    [InlineData("components = [z], by = role, positions = [0]", "by = position or all")]
    [InlineData("components = [z], by = place", "position")]
    [InlineData("components = [z, z]", "twice")]
    [InlineData("components = []", "empty")]
    [InlineData("by = all", "components")]
    [InlineData("hooks = [blocks.7.hook_resid_pre]", "no hook point")]
    [InlineData("components = [z], hooks = [blocks.0.hook_resid_pre]", "outside")]
    [InlineData("sets = [\"a3.h0\"]", "out of range")]
    [InlineData("sets = [\"h0\"]", "neither")]
    [InlineData("sets = [\"m0 m0\"]", "twice")]
    public void What_is_unknown_or_out_of_range_is_an_error_that_says_where(string text, string says)
    {
        var error = Assert.Throws<StudyException>(() => Read(text));

        Assert.Contains(says, error.Message);
        Assert.Contains("test.conf:1", error.Message);
    }

    [Fact]
    public void By_position_needs_one_length() =>
        Assert.Contains("p1 has 8", Assert.Throws<StudyException>(() => Read("components = [z], by = position", [9, 8])).Message);

    [Fact]
    public void Attention_only_models_have_no_mlp() =>
        Assert.Contains("no MLP", Assert.Throws<StudyException>(() => Read("components = [mlp_out]", mlp: false)).Message);
}
