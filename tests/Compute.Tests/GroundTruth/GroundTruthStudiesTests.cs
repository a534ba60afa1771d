using InterpActors.Compute.GroundTruth;
using InterpActors.Compute.Models;
using InterpActors.Compute.Reports;
using InterpActors.Compute.Tasks;
using InterpActors.Compute.Tests.Studies;
using InterpActors.Compute.Tests.Tasks;
using InterpActors.Compute.Text;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Tests.GroundTruth;

/// <summary>Studies of the hand-built models, from the study file to the rows, find what the rules of their heads say.</summary>
public sealed class GroundTruthStudiesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("truth-").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    [Theory]
    [InlineData("gt-ioi")]
    [InlineData("gt-ioi-b")]
    public void RestoringHeadsGivesTheTruth(string model)
    {
        var circuit = Circuit(model);
        var rows = Rows(model, "kind = activation-patching, components = [z], by = all", 64);
        Assert.Equal(circuit.Heads.Count + 3, rows.Count);
        var (clean, corrupted) = (Mean(s => circuit.LogitDifference(s, false)), Mean(s => circuit.LogitDifference(s, true)));
        foreach (var row in rows)
        {
            var patched = Mean(s => circuit.LogitDifference(s, true, restored: [Name(row)]));
            Assert.Equal(clean, row.Clean!.Value, 1e-9);
            Assert.Equal(corrupted, row.Corrupted!.Value, 1e-9);
            Assert.Equal(patched, row.Patched!.Value, 1e-9);
            Assert.Equal((patched - corrupted) / (clean - corrupted), row.Score!.Value, 1e-9);
            if (circuit.Distractors.Contains(Name(row))) Assert.Equal((0.0, 0.0, 0.0), (row.Effect, row.EffectSe, row.Score));
        }
    }

    [Theory]
    [InlineData("gt-ioi")]
    [InlineData("gt-ioi-b")]
    public void ZeroingHeadsGivesTheTruth(string model)
    {
        var circuit = Circuit(model);
        foreach (var row in Rows(model, "kind = ablation, components = [z], value = zero, by = all", 64))
        {
            Assert.Equal(Mean(s => circuit.LogitDifference(s, false, zeroed: [Name(row)])), row.Patched!.Value, 1e-9);
            if (circuit.Distractors.Contains(Name(row))) Assert.Equal((0.0, 0.0), (row.Effect, row.EffectSe));
        }
    }

    // Positions cannot be told apart by a rule for all heads here, but no cell may depend on the basis of the residual stream.
    [Theory]
    [InlineData("kind = activation-patching, components = [resid_pre, attn_out, z, q, k, v, pattern], by = position")]
    [InlineData("kind = activation-patching, components = [resid_post, z], direction = noising, by = role")]
    [InlineData("kind = ablation, components = [z, v], value = mean-by-position, by = all")]
    public void NoCellDependsOnTheBasis(string method)
    {
        using var model = GroundTruthModels.Build("gt-ioi-b");
        using var rotated = model.Rotated(11);
        GroundTruthModels.Write(rotated, Path.Combine(_folder, "rotated"));
        var (expected, actual) = (Rows("gt-ioi-b", method, 6), Rows(Path.Combine(_folder, "rotated"), method, 6));
        Assert.Equal(expected.Count, actual.Count);
        foreach (var (e, a) in expected.Zip(actual))
        {
            Assert.Equal((e.Hook, e.Head, e.Position, e.Role), (a.Hook, a.Head, a.Position, a.Role));
            Assert.Equal(e.Patched!.Value, a.Patched!.Value, 1e-9);
            Assert.Equal(e.Effect!.Value, a.Effect!.Value, 1e-9);
        }
    }

    [Fact]
    public void TheShippedStudyOfPairsShowsTheBackup()
    {
        var circuit = Circuit("gt-ioi-b");
        var rows = StudyRuns.Run(Shipped("gt-ioi-b-pairs")).Rows;
        string[][] sets = [["2.0"], ["3.0"], ["3.1"], ["2.0", "3.0"], ["2.0", "3.1"], ["3.0", "3.1"], ["2.0", "3.0", "3.1"]];
        var expected = sets.Select(z => Mean(s => circuit.LogitDifference(s, false, zeroed: z))).Order().ToArray();
        Assert.Equal(sets.Length, rows.Count);
        foreach (var (e, a) in expected.Zip(rows.Select(r => r.Patched!.Value).Order())) Assert.Equal(e, a, 1e-9);
    }

    [Fact]
    public void TheShippedInductionStudyFindsBothHeads()
    {
        var result = StudyRuns.Run(Shipped("induction"));
        var circuit = new InductionCircuit(GroundTruthModels.Beta, GroundTruthModels.Gamma);
        var location = ModelLoader.Locate("gt-ind", AppContext.BaseDirectory);
        var section = TaskTesting.Section(("kind", "induction"), ("n", 32), ("length", 8));
        var task = TaskReader.Read(section, ".", 0, TokenizerLoader.Load(location), ModelLoader.ReadConfig(location));
        double Expected(Func<PromptPair, int[]> prompt) => task.Prompts.Average(p =>
        {
            var logits = circuit.Logits(prompt(p), prompt(p).Length - 1);
            return logits[p.Answers[0]] - logits[p.Wrong[0]];
        });
        Assert.Equal(Expected(p => p.Clean), result.Baselines!.Clean.Mean, 1e-9);
        Assert.Equal(Expected(p => p.Corrupted!), result.Baselines.Corrupted!.Mean, 1e-9);
        CellRow Row(int layer, string component, string role) =>
            result.Rows.Single(r => r.Layer == layer && r.Hook.EndsWith(component) && r.Role == role);
        Assert.Equal(1, Row(1, "hook_z", "end").Score!.Value, 1e-9);
        Assert.Equal(0, Row(1, "hook_q", "end").Score!.Value, 1e-9);
        // Half of the attention goes where it should, or is taken from where it should not.
        Assert.Equal(0.5, Row(0, "hook_z", "first").Score!.Value, 1e-2);
        Assert.Equal(0.5, Row(0, "hook_z", "wrong").Score!.Value, 1e-2);
        Assert.Equal(0.5, Row(1, "hook_k", "first").Score!.Value, 1e-2);
        Assert.Equal(0, Row(1, "hook_v", "first").Score!.Value, 1e-9);
        Assert.Equal(0, Row(0, "hook_z", "end").Score!.Value, 1e-3);
    }

    private static double Mean(Func<bool, double> bySubjectFirst) => (bySubjectFirst(true) + bySubjectFirst(false)) / 2;

    private static IoiCircuit Circuit(string model) => new(GroundTruthModels.Beta, GroundTruthModels.Gamma, backup: model == "gt-ioi-b");

    private static string Name(CellRow row) => $"{row.Layer}.{row.Head}";

    private static Study Shipped(string name)
    {
        var models = ModelLoader.Locate("gt-ioi", AppContext.BaseDirectory).Path;
        var path = Path.GetFullPath(Path.Combine(models, "../../studies", name + ".conf"));
        return StudyRuns.CompileText(File.ReadAllText(path), Path.GetDirectoryName(path)!);
    }

    private static IReadOnlyList<CellRow> Rows(string model, string method, int n) => StudyRuns.Run(StudyRuns.CompileText(
        $$"""
        study {
          name = truth
          model { path = "{{model}}", dtype = fp64 }
          task { kind = ioi, n = {{n}} }
          metric { kind = logit-difference }
          method { {{method}} }
        }
        """, AppContext.BaseDirectory)).Rows;
}
