using System.Text.Json.Nodes;
using InterpActors.Compute.Reports;
using InterpActors.Compute.Tests.Studies;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Methods.SaeEvaluation;

/// <summary>Probing and ablations against SAEBench's numbers (sae-bench 0.6.0, its random choices replaced by the first rows).</summary>
public sealed class TextMetricsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("texts-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("fp64", 1e-9)]
    [InlineData("fp32", 1e-5)]
    public void Sparse_probes_are_the_exact_optimum_of_the_fields(string dtype, double tolerance)
    {
        var result = Run("sparse-probing", dtype);
        var (rows, expected) = (Rows(result), Expected("sparse-probing"));
        var table = result.Tables.Single(t => t.FileName == "probes.csv").Rows.Where(r => (string?)r[1] == "sae").ToArray();
        foreach (var (k, probe) in expected["k"]!.AsObject())
        {
            Assert.Equal((double)probe!["newton_test_accuracy"]!, rows[("sae", $"sae_top_{k}_test_accuracy")], 12);
            var mine = table.Where(r => (int)r[2]! == int.Parse(k)).ToArray();
            Assert.Equal(probe["latents"]!.AsArray().Select(l => (int?)l), mine[..^1].Select(r => (int?)r[3]));
            double[] weights = [.. probe["newton_coef"]!.AsArray().Select(c => (double)c!), (double)probe["newton_intercept"]!];
            Assert.Null(mine[^1][3]);
            // The reference took its means over tokens in float32.
            foreach (var (want, row) in weights.Zip(mine)) Assert.Equal(want, (double)row[4]!, Math.Max(tolerance, 2e-6));
        }
        Assert.Equal((double)expected["all_activations_test_accuracy"]!, rows[("llm", "llm_test_accuracy")], 12);
        Assert.Equal((double)expected["all_latents_test_accuracy"]!, rows[("sae", "sae_test_accuracy")], 12);
    }

    [Theory]
    [InlineData("fp64")]
    [InlineData("fp32")]
    public void Targeted_perturbation_gives_saebenchs_numbers(string dtype)
    {
        var result = Run("tpp", dtype);
        var (rows, expected) = (Rows(result), Expected("tpp")["result"]!);
        AssertEqual(expected["overall"]!, name => rows[("tpp_metrics", name)]);
        foreach (var (name, scores) in expected["by_class"]!.AsObject())
            AssertEqual(scores!, metric => rows[($"tpp_class_{name}", metric)]);
        AssertAccuracies(result, "tpp");
        AssertEffects(result, "tpp");
    }

    [Theory]
    [InlineData("fp64")]
    [InlineData("fp32")]
    public void Removing_spurious_correlations_gives_saebenchs_numbers(string dtype)
    {
        var result = Run("scr", dtype);
        var rows = Rows(result);
        AssertEqual(Expected("scr")["result"]!, name => rows[("scr_metrics", name)]);
        AssertAccuracies(result, "scr");
        AssertEffects(result, "scr");
    }

    [Fact]
    public void What_saebench_reads_holds_the_same_numbers_and_null_where_nothing_was_asked()
    {
        var result = Run("tpp", "fp64");
        var json = JsonNode.Parse(result.Artifacts.Single(a => a.Name == "topk/saebench-tpp.json").Content)!;
        Assert.Equal("tpp", (string)json["eval_type_id"]!);
        var metrics = json["eval_result_metrics"]!["tpp_metrics"]!.AsObject();
        Assert.Equal(Rows(result)[("tpp_metrics", "tpp_threshold_5_total_metric")], (double)metrics["tpp_threshold_5_total_metric"]!);
        Assert.True(metrics.ContainsKey("tpp_threshold_500_total_metric"));
        Assert.Null(metrics["tpp_threshold_500_total_metric"]);
        Assert.Equal("data.safetensors", (string)json["eval_result_details"]![0]!["dataset_name"]!);
        Assert.True(Guid.TryParse((string)json["eval_id"]!, out _));
        var probing = JsonNode.Parse(
            Run("sparse-probing", "fp64").Artifacts.Single(a => a.Name == "topk/saebench-sparse_probing.json").Content)!;
        Assert.Equal(0.8125, (double)probing["eval_result_metrics"]!["sae"]!["sae_top_5_test_accuracy"]!);
        Assert.NotNull(probing["eval_result_metrics"]!["llm"]!["llm_test_accuracy"]);
    }

    [Fact]
    public void The_report_shows_them_over_the_number_of_latents()
    {
        var probing = Assert.Single(Run("sparse-probing", "fp64").Curves);
        Assert.Equal(["topk", "activations"], probing.Series.Select(s => s.Name));
        Assert.Equal([1.0, 2, 5, 10], probing.Series[0].X);
        Assert.Equal(0.8125, probing.Series[0].Y[2]);
        var perturbation = Run("tpp", "fp64");
        Assert.Equal(Rows(perturbation)[("tpp_metrics", "tpp_threshold_10_total_metric")],
            Assert.Single(perturbation.Curves).Series.Single().Y[3]);
        Assert.Equal([1.0, 2, 5, 10], Assert.Single(Run("scr", "fp64").Curves).Series.Single().X);
    }

    [Fact]
    public void Random_negatives_follow_the_studys_seed()
    {
        var source = Source("tpp").Replace("negatives = first", "negatives = random");
        string Csv(string seed) => string.Join('\n', Rows(StudyRuns.Run(StudyRuns.CompileText(
            source.Replace("name = tpp", $"name = tpp, seed = {seed}"), TestData.Path("evaluation/tpp"))))
            .Select(r => $"{r.Key} {r.Value:R}"));
        Assert.Equal(Csv("1"), Csv("1"));
        Assert.NotEqual(Csv("1"), Csv("2"));
    }

    [Theory]
    [InlineData("sparse-probing", "ks = [1, 2, 5, 10]", "ks = [1, 49]", "49 is more than the 48 latents of topk")]
    [InlineData("sparse-probing", "ks = [1, 2, 5, 10]", "ks = []", "names no number of latents")]
    [InlineData("sparse-probing", "ks = [1, 2, 5, 10]", "ks = [2, 2]", "names a number twice")]
    [InlineData("sparse-probing", "C = 1.0", "C = 0", "0 is out of range")]
    [InlineData("sparse-probing", "solver = newton", "solver = newtown", "did you mean 'newton'?")]
    [InlineData("sparse-probing", "kind = texts", "kind = text", "did you mean 'texts'?")]
    [InlineData("sparse-probing", "data.safetensors", "nowhere.safetensors", "'nowhere.safetensors' cannot be read")]
    [InlineData("sparse-probing", "metrics = sparse-probing", "metrics = [sparse-probing, core]",
        "core needs other data than sparse-probing")]
    [InlineData("sparse-probing", "metrics = sparse-probing", "metrics = tpp", "'data.safetensors' has no tensor 'probe/negative/weight'")]
    [InlineData("tpp", "metrics = tpp", "metrics = sparse-probing", "has no tensor 'train/positive'")]
    [InlineData("tpp", "metrics = tpp", "metrics = scr", "has no tensor 'train/male / female'")]
    [InlineData("tpp", "top_n = [1, 2, 5, 10]", "top_n = [100]", "100 is more than the 48 latents of topk")]
    [InlineData("tpp", "negatives = first", "negatives = last", "'last' is not known")]
    [InlineData("tpp", "../planted/topk", "../tree/standard",
        "standard takes activations of width 20, the texts of 'data.safetensors' have 24")]
    [InlineData("scr", "ablation", "ablations", "did you mean 'ablation'?")]
    public void What_is_wrong_is_said_in_one_line(string study, string text, string instead, string message) =>
        AssertRefused(Source(study).Replace(text, instead), TestData.Path($"evaluation/{study}"), message);

    [Theory]
    [InlineData("one class", "holds one class only, '0'")]
    [InlineData("no probe", "has no tensor 'probe/1/bias'")]
    [InlineData("probe width", "'probe/1/weight' of 'texts.safetensors' has 3 numbers, the texts' rows 24")]
    [InlineData("flat", "'train/1' of 'texts.safetensors' has 2 dimensions; three are needed")]
    [InlineData("empty", "'test/0' of 'texts.safetensors' is empty")]
    [InlineData("few", "takes 6 of every other class; '1' has 2")]
    [InlineData("padding", "tensor test/1: text 3 is padding only")]
    [InlineData("not finite", "tensor train/0: text 2 holds a value that is not finite")]
    [InlineData("integers", "'train/0' of 'texts.safetensors' is of type I64")]
    public void Texts_that_do_not_do_are_refused_in_one_line(string wrong, string message)
    {
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>();
        foreach (var name in (string[])["0", "1"])
        {
            foreach (var split in (string[])["train", "test"]) tensors[$"{split}/{name}"] = ones(6, 2, 24);
            tensors[$"probe/{name}/weight"] = ones(24);
            tensors[$"probe/{name}/bias"] = zeros(1);
        }
        switch (wrong)
        {
            case "one class": foreach (var key in tensors.Keys.Where(k => k.Contains("/1")).ToArray()) tensors.Remove(key); break;
            case "no probe": tensors.Remove("probe/1/bias"); break;
            case "probe width": tensors["probe/1/weight"] = ones(3); break;
            case "flat": tensors["train/1"] = ones(6, 24); break;
            case "empty": tensors["test/0"] = ones(0, 2, 24); break;
            case "few": tensors["train/1"] = ones(2, 2, 24); break;
            case "padding": tensors["test/1"][3] = zeros(2, 24); break;
            case "not finite": tensors["train/0"][2, 1, 5] = tensor(float.NaN); break;
            case "integers": tensors["train/0"] = ones(6, 2, 24, ScalarType.Int64); break;
            default: throw new ArgumentException(wrong);
        }
        SafetensorsWriter.Write(Path.Combine(_folder, "texts.safetensors"), tensors.Select(t => (t.Key, t.Value)));
        AssertRefused($$"""
            study { name = wrong
              method { kind = sae-evaluation, sae = "{{TestData.Path("evaluation/planted/topk")}}", metrics = tpp
                data { kind = texts, file = "texts.safetensors" } } }
            """, _folder, message);
    }

    [Fact]
    public void Texts_that_no_probe_can_be_fitted_to_are_refused_in_one_line()
    {
        using var scope = NewDisposeScope();
        var tensors = new List<(string, Tensor)>();
        foreach (var split in (string[])["train", "test"])
        {
            tensors.Add(($"{split}/positive", ones(4, 2, 24, ScalarType.Float64) * 1e200));
            tensors.Add(($"{split}/negative", ones(4, 2, 24, ScalarType.Float64) * -1e200));
        }
        SafetensorsWriter.Write(Path.Combine(_folder, "texts.safetensors"), tensors);
        AssertRefused($$"""
            study { name = wrong
              method { kind = sae-evaluation, sae = "{{TestData.Path("evaluation/planted/topk")}}", metrics = sparse-probing
                data { kind = texts, file = "texts.safetensors" } } }
            """, _folder, "the logistic regression does not converge");
    }

    private static void AssertRefused(string source, string folder, string message)
    {
        var error = Assert.Throws<StudyException>(() => StudyRuns.CompileText(source, folder));
        Assert.Contains(message, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    /// <summary>Every accuracy before and after an ablation.</summary>
    private static void AssertAccuracies(StudyResult result, string study)
    {
        var table = result.Tables.Single(t => t.FileName == "ablations.csv").Rows.ToDictionary(
            r => ((string?)r[2], (int)r[3]!, r[5]!.Equals(r[6]) ? (string)r[5]! : $"{r[5]} probe on {r[6]} data"), r => (double)r[7]!);
        var expected = Expected(study);
        foreach (var (test, value) in expected["clean_accuracy"]!.AsObject()) Assert.Equal((double)value!, table[(null, 0, test)], 6);
        var seen = expected["clean_accuracy"]!.AsObject().Count;
        foreach (var (ablated, tops) in expected["accuracy_after_ablation"]!.AsObject())
            foreach (var (top, tests) in tops!.AsObject())
                foreach (var (test, value) in tests!.AsObject())
                {
                    Assert.Equal((double)value!, table[(ablated, int.Parse(top), test)], 6);
                    seen++;
                }
        Assert.Equal(table.Count, seen);
    }

    /// <summary>The latents of largest effect in order, and their effects.</summary>
    private static void AssertEffects(StudyResult result, string study)
    {
        using var file = SafetensorsFile.Open(TestData.Path($"evaluation/{study}/data.safetensors"));
        foreach (var of in result.Tables.Single(t => t.FileName == "effects.csv").Rows.GroupBy(r => (string)r[2]!))
        {
            using var stored = file.Read($"effects/{of.Key}", ScalarType.Float64);
            var effects = stored.data<double>().ToArray();
            var order = Enumerable.Range(0, effects.Length).OrderByDescending(i => effects[i]).ToArray();
            foreach (var row in of)
            {
                Assert.Equal(order[(int)row[3]! - 1], (int)row[4]!);
                Assert.Equal(effects[(int)row[4]!], (double)row[5]!, 1e-5);
            }
        }
    }

    /// <summary>The reference's accuracies are in float32.</summary>
    private static void AssertEqual(JsonNode expected, Func<string, double> actual)
    {
        foreach (var (name, value) in expected.AsObject())
            Assert.True(Math.Abs((double)value! - actual(name)) <= 1e-6 * Math.Max(1, Math.Abs((double)value!)),
                $"{name}: {actual(name):R} instead of {value}");
    }

    private static string Source(string study) => File.ReadAllText(TestData.Path($"evaluation/{study}/study.conf"));

    private static StudyResult Run(string study, string dtype) => StudyRuns.Run(StudyRuns.CompileText(
        Source(study).Replace("kind = sae-evaluation", $"kind = sae-evaluation, dtype = {dtype}"), TestData.Path($"evaluation/{study}")));

    private static Dictionary<(string Group, string Metric), double> Rows(StudyResult result) =>
        result.Results!.Rows.ToDictionary(r => ((string)r[3]!, (string)r[4]!), r => (double)r[5]!);

    private static JsonNode Expected(string study) => JsonNode.Parse(File.ReadAllText(TestData.Path($"evaluation/{study}/expected.json")))!;
}
