using InterpActors.Compute.Models;
using InterpActors.Compute.Reports;

namespace InterpActors.Compute.Tests.Studies;

/// <summary>The studies that ship run, and show what their comments promise.</summary>
public class ShippedStudiesTests
{
    [Fact]
    public void Quickstart()
    {
        var result = Run("quickstart");
        Assert.Equal(1, result.Baselines!.Accuracy);
        Assert.True(result.Baselines.Clean.Mean > 2 && result.Baselines.Corrupted!.Mean < -2);
        var prompt = result.Prompts[0];
        var (s2, end) = (prompt.Roles["S2"][0], prompt.Roles["end"][0]);
        CellRow Cell(int layer, string hook, int position) =>
            result.Rows.Single(r => r.Layer == layer && r.Hook.EndsWith(hook) && r.Position == position);
        Assert.Equal(4 * 3 * (end + 1), result.Rows.Count);
        Assert.Equal(1, Cell(0, "resid_pre", s2).Score!.Value, 1e-5);
        Assert.True(Cell(3, "resid_pre", end).Score > 0.5);
        Assert.All(result.Rows.Where(r => r.Position < s2), r => Assert.Equal(0, r.Effect));
        Assert.True(result.Rows.Where(r => r.Hook.EndsWith("attn_out")).Max(r => r.Score) > 0.2);
    }

    [Fact]
    public void Heads()
    {
        var scores = Run("ioi-heads").Rows.Select(r => r.Score!.Value).OrderDescending().ToArray();
        Assert.Equal(16, scores.Length);
        Assert.True(scores[0] > 0.3);
        Assert.True(Math.Abs(scores[8]) < 0.1);
    }

    [Theory]
    [InlineData("ioi-ablation", 16 + 4 + 4, 0.5)]
    [InlineData("ioi-head-metrics", 16, 0.05)]
    public void Others(string name, int rows, double largest)
    {
        var result = Run(name);
        Assert.Equal(rows, result.Rows.Count);
        Assert.Contains(result.Rows, r => Math.Abs(r.Effect!.Value) > largest);
    }

    private static StudyResult Run(string name)
    {
        var models = Path.GetDirectoryName(ModelLoader.Locate("tr-ioi", AppContext.BaseDirectory).Path)!;
        var path = Path.Combine(models, "..", "studies", name + ".conf");
        return StudyRuns.Run(StudyRuns.CompileText(File.ReadAllText(path), Path.GetDirectoryName(path)!));
    }
}
