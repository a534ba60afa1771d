using System.Text.Json.Nodes;
using InterpActors.Compute.Reports;
using InterpActors.Compute.Tests.Studies;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Tests.Methods.SaeEvaluation;

/// <summary>
/// Evaluations against the numbers of SAELens, SAEBench and their definitions (made with sae-lens 6.54, sae-bench 0.6.0).
/// </summary>
public class SaeEvaluationTests
{
    [Fact]
    public void Planted_features_give_the_fields_numbers()
    {
        var rows = Rows(Run("planted"));
        var expected = Expected("planted/expected.json");
        foreach (var sae in new[] { "topk", "standard", "topk-other-seed" })
            foreach (var (name, value) in Numbers(expected[sae]!))
                AssertNear(value, rows[(sae, "ground_truth", name)], 2e-7, name);
        var pair = "pairwise_mcc_topk_vs_topk-other-seed";
        AssertNear((double)expected[pair]!, rows[("topk", "agreement", pair)], 1e-9, pair);
    }

    [Fact]
    public void Matching_and_counts_are_those_of_the_field()
    {
        var table = Run("planted").Tables.Single(t => t.FileName == "matches.csv");
        var expected = Expected("planted/expected.json")["topk"]!;
        var rows = table.Rows.Where(r => (string?)r[0] == "topk").ToArray();
        Assert.Equal(Longs(expected["best_feature_of_latent"]!), rows.Select(r => (long)r[3]!));
        Assert.Equal(Longs(expected["true_positives"]!), rows.Select(r => (long)r[5]!));
        Assert.Equal(Longs(expected["false_negatives"]!), rows.Select(r => (long)r[7]!));
        var matched = Longs(expected["matching"]!["latent"]!).Zip(Longs(expected["matching"]!["feature"]!)).ToArray();
        Assert.All(matched, m => Assert.Equal(m.Second, rows[m.First][2]));
    }

    [Fact]
    public void A_tree_shows_absorption_where_the_field_finds_it()
    {
        var rows = Rows(Run("tree"));
        var expected = Expected("tree/expected.json");
        foreach (var sae in new[] { "matching-pursuit", "standard" })
        {
            foreach (var name in (string[])
                ["l0", "mcc", "parent_cosine", "child_cosine", "child_parent_cosine", "f1", "atom_norm_min", "atom_norm_max"])
                AssertNear((double)expected[sae]![name]!, rows[(sae, "tree", name)], 1e-7, name);
            AssertNear((double)expected[sae]!["babel"]![3]!, rows[(sae, "tree", "babel_4")], 1e-9, "babel_4");
            foreach (var parent in new[] { "0", "4", "8" })
            {
                var absorption = expected["absorption"]![sae]![parent]!;
                AssertNear((double)absorption["mean_absorption_fraction"]!,
                    rows[(sae, "absorption", $"mean_absorption_fraction_{parent}")], 1e-7, parent);
                AssertNear((double)absorption["full_absorption_rate"]!,
                    rows[(sae, "absorption", $"full_absorption_rate_{parent}")], 1e-9, parent);
            }
        }
        AssertNear((double)expected["matching-pursuit"]!["r2_after_k_picks_no_stop"]![0]!,
            rows[("matching-pursuit", "tree", "r2_after_picks_1")], 1e-9, "picks");
        Assert.True(rows[("matching-pursuit", "tree", "residual_identity_maxdiff")] < 1e-12);
    }

    [Fact]
    public void A_dictionary_in_a_model_gives_saebenchs_core_metrics()
    {
        var result = Run("tiny/topk");
        var rows = Rows(result);
        var expected = Expected("tiny/topk/expected.json");
        foreach (var group in expected["saelens_run_evals"]!.AsObject())
            foreach (var (name, value) in Numbers(group.Value!)) AssertNear(value, rows[("topk", group.Key, name)], 1e-8, name);
        foreach (var (name, value) in Numbers(expected["saebench_0_6_0_misc_metrics"]!))
            AssertNear(value, rows[("topk", "misc_metrics", name)], 1e-6, name);
        var histogram = result.Tables.Single(t => t.FileName == "densities.csv").Rows.Select(r => (int)r[3]!);
        Assert.Equal(Longs(expected["all_tokens"]!["density_histogram"]!["counts"]!), histogram.Select(c => (long)c));
        var bench = JsonNode.Parse(result.Artifacts.Single(a => a.Name == "topk/saebench-core.json").Content)!;
        Assert.Equal(rows[("topk", "sparsity", "l0")], (double)bench["eval_result_metrics"]!["sparsity"]!["l0"]!);
        Assert.Equal(192, bench["eval_result_details"]!.AsArray().Count);
    }

    [Theory]
    [InlineData("planted", "ground-truth", "core", "core needs a model")]
    [InlineData("planted", "\"topk\"", "\"nowhere\"", "nowhere: there is no such folder")]
    [InlineData("planted", "features = features", "features = feature", "has no tensor 'feature'; did you mean 'features'?")]
    [InlineData("tree", "[0, 1, 2, 3]", "[0, 1, 99]", "99 is out of range; 0 to 19")]
    [InlineData("tree", "[[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]", "[0, 1]", "must be a list of lists")]
    [InlineData("tiny/topk", "blocks.1.hook_resid_post", "blocks.9.hook_resid_post", "blocks.9")]
    [InlineData("tiny/topk", "blocks.1.hook_resid_post", "blocks.1.attn.hook_pattern", "no row of one width for each token")]
    [InlineData("tiny/topk", "metrics = core", "metrics = corr", "did you mean 'core'?")]
    [InlineData("tiny/topk", "batch_prompts", "batch_prompt", "did you mean 'batch_prompts'?")]
    public void What_is_wrong_is_said_in_one_line(string study, string text, string instead, string message)
    {
        var source = File.ReadAllText(TestData.Path($"evaluation/{study}/study.conf")).Replace(text, instead);
        var error = Assert.Throws<StudyException>(() => StudyRuns.CompileText(source, TestData.Path($"evaluation/{study}")));
        Assert.Contains(message, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    private static StudyResult Run(string study)
    {
        var path = TestData.Path($"evaluation/{study}/study.conf");
        return StudyRuns.Run(StudyRuns.CompileText(File.ReadAllText(path), Path.GetDirectoryName(path)!));
    }

    private static Dictionary<(string Sae, string Group, string Metric), double> Rows(StudyResult result) => result.Results!.Rows
        .ToDictionary(r => ((string)r[0]!, (string)r[3]!, (string)r[4]!), r => r[5] is double value ? value : double.NaN);

    private static JsonNode Expected(string file) => JsonNode.Parse(File.ReadAllText(TestData.Path($"evaluation/{file}")))!;

    private static IEnumerable<(string, double)> Numbers(JsonNode node) => node.AsObject()
        .Where(p => p.Value is JsonValue v && v.GetValueKind() == System.Text.Json.JsonValueKind.Number)
        .Select(p => (p.Key, (double)p.Value!));

    private static long[] Longs(JsonNode node) => [.. node.AsArray().Select(v => (long)v!)];

    /// <summary>The reference averages some numbers in float32, hence tolerances above double precision.</summary>
    private static void AssertNear(double expected, double actual, double relative, string what) =>
        Assert.True(Math.Abs(expected - actual) <= relative * Math.Max(1e-3, Math.Abs(expected)),
            $"{what}: {actual:R} instead of {expected:R}");
}
