using InterpActors.Compute.Studies;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Tests.Studies;

/// <summary>A kind from outside the product (<see cref="HeadScalingKind"/>) is read, planned, run and reduced like any other.</summary>
public sealed class AddedKindTests
{
    private static readonly IReadOnlyList<IStudyKind> Kinds = [.. StudyKinds.All, new HeadScalingKind()];

    [Fact]
    public void It_runs_from_file_to_rows()
    {
        var folder = TestData.Path("interventions/tr-gpt2-ioi");
        var text = File.ReadAllText(Path.Combine(folder, "ablate-zero.conf"));
        var zero = StudyRuns.Run(StudyRuns.CompileText(text, folder)).Rows.Where(r => r.Hook.EndsWith("hook_z", StringComparison.Ordinal))
            .ToArray();
        text = text.Replace("kind = ablation", "kind = head-scaling\nfactor = 0").Replace("value = zero", "")
            .Replace("reference = clean", "").Replace("[z, attn_out, mlp_out]", "[z]");

        var scaled = StudyRuns.Run(StudyRuns.CompileText(text, folder, Kinds), Kinds);

        Assert.Equal(zero.Length, scaled.Rows.Count);
        for (var i = 0; i < zero.Length; i++)
        {
            Assert.Equal("scaled", scaled.Rows[i].Value);
            Assert.Equal(zero[i].Effect!.Value, scaled.Rows[i].Effect!.Value, 1e-10);
        }
    }

    [Fact]
    public void Its_unknown_keys_are_errors_too()
    {
        var folder = TestData.Path("interventions/tr-gpt2-ioi");
        var text = File.ReadAllText(Path.Combine(folder, "ablate-zero.conf")).Replace("kind = ablation", "kind = head-scaling")
            .Replace("[z, attn_out, mlp_out]", "[z]");

        Assert.Contains("value", Assert.Throws<StudyException>(() => StudyRuns.CompileText(text, folder, Kinds)).Message);
    }

    [Fact]
    public void The_guide_shows_the_code_that_is_tested_here()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "InterpActors.sln"))) root = root.Parent;
        Assert.NotNull(root);
        var code = File.ReadAllText(Path.Combine(root.FullName, "tests/Compute.Tests/Studies/HeadScaling.cs")).ReplaceLineEndings("\n")
            .Trim();

        Assert.Contains(code, File.ReadAllText(Path.Combine(root.FullName, "docs/adding-a-study-kind.md")).ReplaceLineEndings("\n"));
    }
}
