using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Tests.Studies;

/// <summary>Studies that cannot be run as written are refused when they are compiled, with a line that says what and where.</summary>
public sealed class StudyErrorsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("study-errors-").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    private const string Method = "kind = activation-patching, components = [z], by = all";

    private string Refusal(string method = Method, string metric = "kind = logit-difference", string model = "", string? pairs = null,
        string more = "")
    {
        var file = TestData.Path("interventions/tr-gpt2-ioi/pairs.jsonl");
        if (pairs is not null)
        {
            file = Path.Combine(_folder, "pairs.jsonl");
            File.WriteAllText(file, pairs);
        }
        var text = $$"""
            study {
              name = wrong
              model { path = "{{TestData.Path("models/tr-gpt2")}}", {{model}} }
              task { kind = pairs, file = "{{file}}" }
              metric { {{metric}} }
              method { {{method}} }
              {{more}}
            }
            """;
        var message = Assert.Throws<StudyException>(() => StudyRuns.CompileText(text, _folder)).Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }

    private static string Pair(string clean, string? corrupt, string more = "\"answers\":[\" Tom\"],\"wrong\":[\" Carl\"]") =>
        $$"""{"clean":"{{clean}}",{{(corrupt is null ? "" : $"\"corrupt\":\"{corrupt}\",")}}{{more}}}""";

    private const string Clean = "When Tom and Carl went to the house, Carl gave a ring to";

    [Theory]
    [InlineData("kind = activation-patchin, components = [z]", "activation-patching")]
    [InlineData("kind = activation-patching, components = [z], direktion = noising", "direction")]
    [InlineData("kind = activation-patching, components = [z], direction = both", "noising")]
    [InlineData("kind = activation-patching, components = [z], heads = [4]", "0 to 3")]
    [InlineData("kind = ablation, components = [z], value = half", "zero")]
    [InlineData("kind = ablation, components = [z]", "value")]
    [InlineData("kind = ablation, components = [z], value = mean, reference = nothing.safetensors", "nothing.safetensors")]
    [InlineData("kind = ablation, components = [z], value = resample, reference = means.safetensors", "clean nor corrupted")]
    [InlineData("kind = ablation, components = [pattern], value = mean", "pattern")]
    [InlineData("kind = ablation, components = [z], value = zero, sigma = 1", "noise")]
    [InlineData("kind = head-metrics, error = nil", "nll")]
    [InlineData("kind = head-metrics, components = [z]", "components")]
    public void Of_the_method(string method, string says)
    {
        var message = Refusal(method);
        Assert.Contains(says, message);
        Assert.Contains(":6", message);
    }

    [Theory]
    [InlineData("kind = logit-differenz", "logit-difference")]
    [InlineData("kind = nll, at = S3", "did you mean")]
    [InlineData("knid = nll", "kind")]
    public void Of_the_metric(string metric, string says) => Assert.Contains(says, Refusal(metric: metric));

    [Theory]
    [InlineData("dtype = fp16", "fp32")]
    [InlineData("processing = fold", "folded")]
    [InlineData("sha256 = 0123", "changed")]
    public void Of_the_model(string model, string says) => Assert.Contains(says, Refusal(model: model));

    [Fact]
    public void Of_the_study() => Assert.Contains("unknown key 'study.tsak'", Refusal(more: "tsak { }"));

    [Fact]
    public void Patching_and_resampling_need_corrupted_prompts()
    {
        var pairs = Pair(Clean, null);
        Assert.Contains("no corrupted twin", Refusal(pairs: pairs));
        Assert.Contains("no corrupted twin", Refusal("kind = ablation, components = [z], value = resample", pairs: pairs));
        Assert.Contains("no corrupted twin",
            Refusal("kind = ablation, components = [z], value = mean, reference = corrupted", pairs: pairs));
    }

    [Fact]
    public void Means_by_group_need_groups() =>
        Assert.Contains("group", Refusal("kind = ablation, components = [z], value = mean-by-group", pairs: Pair(Clean, null)));

    [Fact]
    public void A_metric_against_wrong_answers_needs_them() =>
        Assert.Contains("needs a wrong answer",
            Refusal(pairs: Pair(Clean, Clean.Replace("house, Carl", "house, Tom"), "\"answers\":[\" Tom\"]")));

    [Fact]
    public void An_answer_is_one_token() =>
        Assert.Contains("token", Refusal(pairs: Pair(Clean, null, "\"answers\":[\" Tom Carl\"],\"wrong\":[\" Carl\"]")));

    [Fact]
    public void A_denominator_of_0_is_refused_before_anything_runs()
    {
        Assert.Contains("no score can be formed", Refusal(pairs: Pair(Clean, Clean)));
        // The model is right in both runs, so the accuracies are equal.
        Assert.Contains("no score can be formed", Refusal(metric: "kind = accuracy", pairs: Pair(Clean, Clean.Replace("house", "garden"))));
        Assert.Contains("no score can be formed", Refusal("kind = ablation, components = [z], value = zero",
            pairs: Pair(Clean, null, "\"answers\":[\" Tom\"],\"wrong\":[\" Tom\"]")));
    }

    [Fact]
    public void A_study_of_nothing_is_refused()
    {
        Assert.Throws<StudyException>(() => StudyRuns.CompileText("", _folder));
        Assert.Contains("unknown key 'stduy'", Assert.Throws<StudyException>(() => StudyRuns.CompileText("stduy { }", _folder)).Message);
    }
}
