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

    private StudyResult Run(params string[] keys)
    {
        var study = StudyRuns.CompileText($$"""
            study { name = tree
              method { kind = sae-training, architecture = matching_pursuit, d_sae = 20, residual_threshold = 0.05, apply_b_dec_to_input = false
                init { kind = random, decoder_norm = 1.0 }
                optimiser { lr = 0.03, beta1 = 0.5, beta2 = 0.9375 }
                data { kind = planted, world = tree, level = 1 }
                batch = 256
                {{string.Join("\n", keys)}} } }
            """, _folder);
        using var engine = new StudyEngine();
        var plan = engine.Plan(study);
        var context = new UnitContext("cpu", _ => { }, CancellationToken.None) { Folder = _folder };
        var payloads = StudyRuns.Ordinals(plan).Select(o => (byte[]?)engine.Run(study, plan[o], context).Payload).ToArray();
        return StudyRuns.Reduce(engine, plan, payloads).Result;
    }
}
