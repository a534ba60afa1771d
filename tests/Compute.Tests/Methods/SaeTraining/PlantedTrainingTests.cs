using InterpActors.Compute.Reports;
using InterpActors.Compute.Studies;
using InterpActors.Compute.Tests.Studies;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Compute.Tests.Methods.SaeTraining;

public sealed class PlantedTrainingTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("planted-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_dictionary_of_a_tree_is_compared_with_it_and_judged_by_the_lines_drawn()
    {
        var result = Run("steps = 60", "expect = [\"mcc >= 0.3\", \"child_parent_cosine <= 0.9\", \"uniqueness <= 0.01\"]");
        var columns = result.Results!.Columns;
        var row = Assert.Single(result.Results.Rows);
        Assert.True((double)row[columns.ToList().IndexOf("mcc")]! > 0.3);
        Assert.InRange((double)row[columns.ToList().IndexOf("true_l0")]!, 1.3, 1.42);
        var lines = result.Trust.Where(t => t.Name.StartsWith("line: ")).ToArray();
        Assert.Equal(["good", "good", "bad"], lines.Select(l => l.State));
        Assert.Contains("at least 0.3", lines[0].Words);
    }

    [Theory]
    [InlineData("expect = [\"mc >= 0.9\"]", "did you mean 'mcc'?")]
    [InlineData("expect = [\"mcc > 0.9\"]", "write e.g. mcc >= 0.97")]
    [InlineData("expect = [\"mcc >= many\"]", "is no line")]
    public void A_line_that_cannot_be_judged_is_refused(string expect, string message) =>
        Assert.Contains(message, Assert.Throws<StudyException>(() => Run("steps = 1", expect)).Message);

    [Fact]
    public void Architectures_are_swept_with_keys_and_lines_of_their_own()
    {
        var text = """
            study { name = trees
              method { kind = sae-training, d_sae = 20, steps = 30, batch = 64, optimiser { lr = 3e-3 }
                data { kind = planted, world = tree, level = 1 }
                expect_order = ["true_l0: topk < matching_pursuit", "child_parent_cosine: matching_pursuit < topk"] }
              sweep {
                architecture {
                  matching_pursuit { residual_threshold = 0.05, init { decoder_norm = 1 }, optimiser { beta1 = 0.5 }
                    expect = ["residual_monotone >= 1"] }
                  topk { k = 2, expect = ["mcc >= 0.99"] }
                }
                seed = [0, 3] } }
            """;
        var study = StudyRuns.CompileText(text, _folder);
        Assert.Equal(study.Canonical, StudyRuns.CompileText(study.Canonical, _folder).Canonical);

        var result = Run(study);

        Assert.Equal(["matching_pursuit-seed0", "matching_pursuit-seed3", "topk-seed0", "topk-seed3"],
            result.Results!.Rows.Select(r => (string)r[0]!));
        Assert.Equal(["good", "bad"], result.Trust.Where(t => t.Name.StartsWith("line: ")).Select(t => t.State));
        Assert.StartsWith("1 (matching_pursuit", result.Trust.Single(t => t.Name == "line: residual monotone of matching_pursuit").Words);
        // Equal figures are in no order.
        Assert.Equal("bad", result.Trust.First(t => t.Name == "order: true l0").State);
        Assert.Contains("matching_pursuit-seed0) <", result.Trust.First(t => t.Name == "order: child parent cosine").Words);
    }

    [Theory]
    [InlineData("topk { k = 2, batch = 9 }", "all dictionaries of a study share it")]
    [InlineData("topc { k = 2 }", "did you mean 'topk'?")]
    [InlineData("topk { k = 2, kk = 2 }", "study.sweep.architecture.topk.kk")]
    [InlineData("topk { k = 2, l1 = 2 }", "l1")]
    public void Architectures_keys_are_checked(string architectures, string message) =>
        Assert.Contains(message, Assert.Throws<StudyException>(() => StudyRuns.CompileText($$"""
            study { name = trees
              method { kind = sae-training, d_sae = 20, steps = 30, data { kind = planted, world = tree } }
              sweep { architecture { {{architectures}} } } }
            """, _folder)).Message);

    [Fact]
    public void A_line_for_the_time_is_judged_too()
    {
        var result = Run("steps = 1", "expect = [\"seconds <= 1000\"]");
        Assert.Equal("good", Assert.Single(result.Trust, t => t.Name == "line: seconds").State);
    }

    private StudyResult Run(params string[] keys)
    {
        var study = StudyRuns.CompileText($$"""
            study { name = tree
              method { kind = sae-training, architecture = matching_pursuit, d_sae = 20
                residual_threshold = 0.05, apply_b_dec_to_input = false
                init { kind = random, decoder_norm = 1.0 }
                optimiser { lr = 0.03, beta1 = 0.5, beta2 = 0.9375 }
                data { kind = planted, world = tree, level = 1 }
                batch = 256
                {{string.Join("\n", keys)}} } }
            """, _folder);
        return Run(study);
    }

    private StudyResult Run(Study study)
    {
        using var engine = new StudyEngine();
        var plan = engine.Plan(study);
        var context = new UnitContext("cpu", _ => { }, CancellationToken.None) { Folder = _folder, Own = Path.Combine(_folder, "own") };
        var payloads = StudyRuns.Ordinals(plan).Select(o => (byte[]?)engine.Run(study, plan[o], context).Payload).ToArray();
        return StudyRuns.Reduce(engine, plan, payloads).Result;
    }
}
