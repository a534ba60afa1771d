using InterpActors.Compute.Studies;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Compute.Tests.Studies;

public sealed class ReductionTests
{
    [Fact]
    public void Rows_of_a_failed_unit_are_left_out_and_counted()
    {
        var (engine, plan, payloads) = Computed();
        using var _ = engine;
        var all = StudyRuns.Reduce(engine, plan, payloads).Result;
        payloads[2] = null;

        var reduced = StudyRuns.Reduce(engine, plan, payloads);

        Assert.False(reduced.Failed);
        Assert.Equal(all.Rows.Count - plan[2].Cells, reduced.Result.Rows.Count);
        Assert.Contains(reduced.Result.Warnings, w => w.Contains($"{plan[2].Cells} of {plan.CellCount} cells", StringComparison.Ordinal));
        Assert.Equal(all.Rows[^1].Patched, reduced.Result.Rows[^1].Patched);
    }

    [Fact]
    public void Without_baselines_there_is_no_result_and_the_run_folder_says_so()
    {
        var (engine, plan, payloads) = Computed();
        using var _ = engine;
        payloads[0] = null;
        var folder = Directory.CreateTempSubdirectory("reduction-").FullName;
        try
        {
            var history = new RunHistory(RunState.CompletedWithErrors, plan.UnitCount, plan.UnitCount - 1, [],
                [new UnitDefeat(0, "base runs", 3, "no memory")]);
            var outcome = engine.Reduce(new Reduction(plan, o => payloads[(int)o], history), folder);

            Assert.True(outcome.Failed);
            Assert.Single(File.ReadAllLines(Path.Combine(folder, "results.csv")));
            Assert.Contains("no memory", File.ReadAllText(Path.Combine(folder, "report.html")));
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    [Fact]
    public void A_task_cut_into_shards_gives_the_same_rows()
    {
        var whole = StudyRuns.Run(StudyRuns.Compile("interventions/tr-llama-ioi/patch-mixed-role.conf"));
        IStudyKind[] kinds = [new InShards()];

        var study = StudyRuns.Compile("interventions/tr-llama-ioi/patch-mixed-role.conf", kinds);
        using var engine = new StudyEngine(kinds, ownSessions: true);
        var plan = engine.Plan(study);
        var cut = StudyRuns.Reduce(engine, plan, StudyRuns.Payloads(engine, plan)).Result;

        Assert.True(plan.Layers[0].Count > 3);
        Assert.Equal(whole.Rows.Count, cut.Rows.Count);
        for (var i = 0; i < cut.Rows.Count; i++)
        {
            Assert.Equal(whole.Rows[i].Effect!.Value, cut.Rows[i].Effect!.Value, 1e-10);
            Assert.Equal(whole.Rows[i].Score!.Value, cut.Rows[i].Score!.Value, 1e-10);
        }
    }

    [Fact]
    public void A_metric_at_a_role_is_blind_to_what_comes_later_and_that_is_no_fault()
    {
        var folder = TestData.Path("interventions/tr-llama-ioi");
        var text = File.ReadAllText(Path.Combine(folder, "ablate-zero.conf")).Replace("kind = logit-difference", "kind = nll, at = S1")
            .Replace("[z, attn_out, mlp_out]", "[resid_pre, resid_post, k, pattern]").Replace("value = zero", "value = resample")
            .Replace("by = all", "by = position");

        var result = StudyRuns.Run(StudyRuns.CompileText(text, folder));

        // The corruption stands at S2, after S1.
        Assert.Equal(4 * (1 + 1 + 2 + 4) * 15, result.Rows.Count);
        Assert.All(result.Rows, r => Assert.Equal(0.0, r.Effect));
        Assert.DoesNotContain(result.Warnings, w => w.Contains("no intervention", StringComparison.Ordinal));
        Assert.StartsWith("No cell changes", result.Answer);
    }

    [Fact]
    public void What_is_patched_after_the_metrics_position_changes_activations_and_nothing_else()
    {
        var folder = TestData.Path("interventions/tr-llama-ioi");
        var text = File.ReadAllText(Path.Combine(folder, "patch-abc-exact-position.conf"))
            .Replace("kind = logit-difference", "kind = nll, at = S1");

        var result = StudyRuns.Run(StudyRuns.CompileText(text, folder));

        Assert.All(result.Rows.Where(r => r.Position > 4), r => Assert.Equal(0.0, r.Effect));
        Assert.Contains(result.Rows, r => r.Position == 4 && r.Effect != 0);
        Assert.Contains(result.Trust, t => t.Name == "interventions fired" && t.State == "good");
    }

    [Fact]
    public void Report_and_result_say_what_the_reference_study_says()
    {
        var result = StudyRuns.Run(StudyRuns.Compile("interventions/tr-gpt2-ioi/patch-denoising-position.conf"));

        Assert.Equal(1.0, result.Baselines!.Accuracy);
        Assert.True(result.Baselines.Clean.Low < result.Baselines.Clean.Mean && result.Baselines.Clean.Mean < result.Baselines.Clean.High);
        Assert.Equal(32, result.Prompts.Count);
        Assert.Equal(15, result.Prompts[0].CleanPieces.Count);
        // The patched token is S2 in every pair, and from the layer that has moved it on, the last position carries it.
        Assert.Matches(
            "^Restoring the residual stream .* at (S2|end) \\(position (10|14), “.*”\\) recovers 100 % of the logit difference; next ",
            result.Answer);
        Assert.All(result.Trust, t => Assert.Equal("good", t.State));
        Assert.Empty(result.Warnings);
        Assert.True(result.Model!.Parameters > 200_000);
    }

    private static (StudyEngine Engine, IStudyPlan Plan, byte[]?[] Payloads) Computed()
    {
        var study = StudyRuns.Compile("interventions/tr-gpt2-ioi/patch-kl-heads.conf");
        var engine = new StudyEngine();
        var plan = engine.Plan(study);
        return (engine, plan, StudyRuns.Payloads(engine, plan));
    }
}
