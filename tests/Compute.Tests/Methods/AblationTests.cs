using InterpActors.Compute.Reports;
using InterpActors.Compute.Studies;
using InterpActors.Compute.Tests.Studies;
using InterpActors.Compute.Weights;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Methods;

public sealed class AblationTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ablation-").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    private StudyResult Run(string method, string pairs = "pairs.jsonl", long seed = 0, string metric = "logit-difference") =>
        StudyRuns.Run(Compile(method, pairs, seed, metric));

    private Messages.Studies.Study Compile(string method, string pairs = "pairs.jsonl", long seed = 0,
        string metric = "logit-difference") => StudyRuns.CompileText($$"""
        study {
          name = ablation
          seed = {{seed}}
          model { path = "{{TestData.Path("models/tr-llama")}}", dtype = fp64 }
          task { kind = pairs, file = "{{Path.Combine(TestData.Path("interventions/tr-llama-ioi"), pairs)}}" }
          metric { kind = {{metric}} }
          method { kind = ablation, {{method}} }
        }
        """, _folder);

    private static double?[] Patched(StudyResult result) => [.. result.Rows.Select(r => r.Patched)];

    [Fact]
    public void A_file_of_zeros_is_a_zero_ablation_by_vector_and_by_position()
    {
        using var scope = NewDisposeScope();
        SafetensorsWriter.Write(Path.Combine(_folder, "zeros.safetensors"),
            [("blocks.1.hook_attn_out", zeros(64)), ("blocks.1.attn.hook_z", zeros(20, 64))]);
        var expected = Patched(Run("components = [attn_out], value = zero, layers = [1]"));

        Assert.Equal(expected, Patched(Run("components = [attn_out], value = mean, layers = [1], reference = zeros.safetensors")));
        Assert.Equal(Patched(Run("components = [z], value = zero, layers = [1]")),
            Patched(Run("components = [z], value = mean-by-position, layers = [1], reference = zeros.safetensors")));
    }

    [Fact]
    public void Noise_is_drawn_by_seed_site_prompt_and_position_alone()
    {
        var everywhere = Run("components = [z], value = noise, sigma = 2, positions = [10], layers = [0, 2]");

        Assert.Equal(Patched(everywhere),
            Patched(Run("components = [z], value = noise, sigma = 2, by = position, positions = [10], layers = [0, 2]")));
        Assert.NotEqual(Patched(everywhere),
            Patched(Run("components = [z], value = noise, sigma = 2, positions = [10], layers = [0, 2]", seed: 1)));
        Assert.All(everywhere.Rows, r => Assert.NotEqual(0.0, r.Effect));
    }

    [Fact]
    public void Patterns_can_be_zeroed_resampled_and_averaged()
    {
        // Attention that looks nowhere gives an output of 0, which here has no bias.
        Assert.Equal(Patched(Run("components = [z], value = zero, layers = [1]")).Select(x => Math.Round(x!.Value, 9)),
            Patched(Run("components = [pattern], value = zero, layers = [1]")).Select(x => Math.Round(x!.Value, 9)));
        Assert.Equal(4, Run("components = [pattern], value = mean-by-position, layers = [1]").Rows.Count);
        Assert.Equal(4, Run("components = [pattern], value = mean-by-group, layers = [1]", "pairs-mixed.jsonl").Rows.Count);
        Assert.Equal(4, Run("components = [pattern], value = resample, layers = [1]", "pairs-mixed.jsonl").Rows.Count);
    }

    [Fact]
    public void Sites_of_a_set_are_ablated_together()
    {
        var both = Run("sets = [\"a0.h1 m2\"], value = zero").Rows.Single();
        var alone = Run("sets = [\"a0.h1\", \"m2\"], value = zero").Rows;

        Assert.Equal("blocks.0.attn.hook_z blocks.2.hook_mlp_out", both.Hook);
        Assert.Equal("1", both.Heads);
        Assert.Equal(Run("components = [z], value = zero, layers = [0], heads = [1]").Rows.Single().Patched, alone[0].Patched);
        Assert.All(alone, a => Assert.NotEqual(a.Patched, both.Patched));
    }

    [Fact]
    public void Sets_and_single_sites_stand_in_one_run_folder()
    {
        var result = Run("components = [z], layers = [0], heads = [1], sets = [\"a0.h1 a1.h2\", \"a0.h1 a1.h3\"], value = zero");

        RunFolderWriter.Write(result, _folder);

        var lines = File.ReadAllLines(Path.Combine(_folder, "results.csv"));
        Assert.StartsWith("blocks.0.attn.hook_z,0,1,", lines[1]);
        Assert.StartsWith("blocks.0.attn.hook_z blocks.1.attn.hook_z,,1 2,", lines[2]);
        Assert.StartsWith("blocks.0.attn.hook_z blocks.1.attn.hook_z,,1 3,", lines[3]);
        Assert.Contains("\"1 3\"", File.ReadAllText(Path.Combine(_folder, "summary.json")));
        Assert.True(File.Exists(Path.Combine(_folder, "results.parquet")));
    }

    [Fact]
    public void Kl_has_effects_and_no_scores_and_says_why()
    {
        var result = Run("components = [z], value = zero, layers = [0]", metric: "kl");

        Assert.All(result.Rows, r => Assert.Null(r.Score));
        Assert.All(result.Rows, r => Assert.True(r.Effect > 0));
        Assert.All(result.Rows, r => Assert.Equal(0.0, r.Clean));
        Assert.Contains("exactly 0", Assert.Single(result.ScoreNotes));
    }

    [Fact]
    public void A_study_whose_ablations_change_nothing_fails()
    {
        // With one prompt, the mean at a position is what is there.
        File.WriteAllText(Path.Combine(_folder, "one.jsonl"),
            File.ReadLines(TestData.Path("interventions/tr-llama-ioi/pairs.jsonl")).First());
        var study = Compile("components = [attn_out], value = mean-by-position", Path.Combine(_folder, "one.jsonl"));
        using var engine = new StudyEngine();
        var plan = engine.Plan(study);

        var reduced = StudyRuns.Reduce(engine, plan, StudyRuns.Payloads(engine, plan));

        Assert.True(reduced.Failed);
        Assert.All(reduced.Result.Rows, r => Assert.Equal(0.0, r.Effect));
        Assert.Contains(reduced.Result.Warnings, w => w.Contains("no intervention changed", StringComparison.Ordinal));
    }
}
