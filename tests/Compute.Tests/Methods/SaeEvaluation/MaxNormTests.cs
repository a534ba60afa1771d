using InterpActors.Compute.Dictionaries.Files;
using InterpActors.Compute.Models;
using InterpActors.Compute.Reports;
using InterpActors.Compute.Tests.Dictionaries.Data;
using InterpActors.Compute.Tests.Studies;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Methods.SaeEvaluation;

/// <summary>Evaluations that leave out rows whose norm is many times their shard's median, against a plain loop.</summary>
public sealed class MaxNormTests : IDisposable
{
    private const string Hook = "blocks.1.hook_resid_post";
    private const int Sequences = 150;
    private const int Length = 64;

    // Of 64 tokens: 8,192 tokens are a shard of a harvest.
    private const int FirstShard = 128;

    private const double Bound = 1.1;

    private readonly DataFolder _folder = new();

    public MaxNormTests()
    {
        // The second shard has other tokens, and so another median.
        var random = new Random(3);
        var tokens = Enumerable.Range(0, Sequences * Length)
            .Select(i => i % Length == 0 ? 256 : i < FirstShard * Length ? random.Next(256) : random.Next(12)).ToArray();
        SafetensorsWriter.Write(_folder.At("tokens.safetensors"), [("eval", tensor(tokens).view(Sequences, Length))]);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Rows_that_are_too_long_are_left_out_and_not_spliced()
    {
        var result = Run(16, "core");
        var rows = Rows(result);
        using var scope = NewDisposeScope();
        var expected = ByHand();

        Assert.InRange(expected.TooLong, 100, 5000);
        var counted = rows["rows_over_max_norm"];
        Assert.Equal((expected.TooLong, expected.TooLong + expected.Kept), (counted.Value, counted.N));
        Assert.Equal(expected.Kept, rows["mse"].N);
        AssertNear(expected.Error, rows["mse"].Value);
        AssertNear(expected.Explained, rows["explained_variance"].Value);
        AssertNear(expected.Loss, rows["ce_loss_with_sae"].Value);

        Assert.Contains(result.Trust, t => t.Name == "norms"
            && t.Words == FormattableString.Invariant(
                $"{expected.TooLong:#,0} of {expected.TooLong + expected.Kept:#,0} rows are longer than max_norm allows and left out."));
        var bench = result.Artifacts.Single(a => a.Name.EndsWith("saebench-core.json", StringComparison.Ordinal));
        Assert.DoesNotContain("rows_over_max_norm", System.Text.Encoding.UTF8.GetString(bench.Content), StringComparison.Ordinal);
    }

    [Fact]
    public void Which_rows_are_left_out_does_not_depend_on_how_sequences_are_divided_or_what_is_measured()
    {
        var (many, few) = (Run(16, "core"), Run(7, "[core, features]"));
        Assert.Equal(Rows(many)["rows_over_max_norm"], Rows(few)["rows_over_max_norm"]);
        AssertNear(Rows(many)["mse"].Value, Rows(few)["mse"].Value);
        var ofPage = few.Results!.Rows.Single(r => ((string)r[3]!, (string)r[4]!) == ("features", "rows_over_max_norm"));
        Assert.Equal(Rows(many)["rows_over_max_norm"], ((double)ofPage[5]!, (long)ofPage[6]!));
    }

    [Fact]
    public void Without_a_bound_a_study_is_what_it_was_before_there_was_one()
    {
        var study = StudyRuns.CompileText(Source(16, "core").Replace(", max_norm = 1.1", "", StringComparison.Ordinal), _folder.Root);
        Assert.DoesNotContain("max_norm", study.Canonical, StringComparison.Ordinal);
        Assert.Contains("\"max_norm\": 1.1", StudyRuns.CompileText(Source(16, "core"), _folder.Root).Canonical, StringComparison.Ordinal);
        var error = Assert.Throws<StudyException>(() => StudyRuns.CompileText(
            Source(16, "core").Replace("max_norm = 1.1", "max_norm = -1", StringComparison.Ordinal), _folder.Root));
        Assert.Contains("max_norm: -1 is out of range", error.Message);
    }

    /// <summary>The whole data in one go, by definitions.</summary>
    private (long Kept, long TooLong, double Error, double Explained, double Loss) ByHand()
    {
        using var _ = no_grad();
        using var weights = ModelLoader.LoadWeights(
            ModelLoader.Locate(TestData.Path("evaluation/tiny/model"), "."), ScalarType.Float64, WeightProcessing.None);
        using var model = new HookedTransformer(weights);
        using var sae = DictionaryFolder.Read(TestData.Path("evaluation/tiny/topk"), ScalarType.Float64);
        using var file = SafetensorsFile.Open(_folder.At("tokens.safetensors"));
        var tokens = file.Read("eval").to_type(ScalarType.Int64);
        var reading = new HookSet().Read(Hook);
        model.Forward(tokens, reading);
        var x = reading.Activations[Hook];
        var isText = tokens != 256;
        var norms = x.square().sum(-1).sqrt();
        var keep = zeros_like(isText);
        foreach (var (first, count) in new[] { (0, FirstShard), (FirstShard, Sequences - FirstShard) })
        {
            var (some, texts) = (norms.narrow(0, first, count), isText.narrow(0, first, count));
            var ordered = some[texts].data<double>().Order().ToArray();
            keep.narrow(0, first, count).copy_(texts & (some <= Bound * ordered[(ordered.Length - 1) / 2]));
        }

        var encoding = sae.Dictionary.Encode(x);
        var y = sae.Dictionary.Forward(sae.Dictionary.Decode(encoding.Activations, encoding.Frame), x);
        var kept = x[keep];
        var errors = (kept - y[keep]).square().sum(1);
        var spread = (kept - kept.mean([0L])).square().sum();
        var spliced = model.Forward(tokens, new HookSet().Write(Hook, a => where(keep.unsqueeze(-1), y, a))).log_softmax(-1);
        var next = spliced.narrow(1, 0, Length - 1).gather(-1, tokens.narrow(1, 1, Length - 1).unsqueeze(-1)).squeeze(-1);
        var loss = -next[keep.narrow(1, 0, Length - 1)].mean().item<double>();
        var rows = keep.sum().item<long>();
        return (rows, isText.sum().item<long>() - rows, errors.mean().item<double>(), 1 - (errors.sum() / spread).item<double>(), loss);
    }

    private StudyResult Run(int batch, string metrics) => StudyRuns.Run(StudyRuns.CompileText(Source(batch, metrics), _folder.Root));

    private static string Source(int batch, string metrics) =>
        $$"""
        study { name = bounded, model { path = "{{TestData.Path("evaluation/tiny/model")}}", dtype = fp64, processing = none }
          method { kind = sae-evaluation, sae = "{{TestData.Path("evaluation/tiny/topk")}}", hook = {{Hook}}
            data { kind = tokens, file = tokens.safetensors, tensor = eval, context = 64, exclude_tokens = [256], max_norm = 1.1 }
            batch_prompts = {{batch}}, metrics = {{metrics}} } }
        """;

    /// <summary>Of the core metrics, by name.</summary>
    private static Dictionary<string, (double Value, long N)> Rows(StudyResult result) => result.Results!.Rows
        .Where(r => (string?)r[3] != "features").ToDictionary(r => (string)r[4]!, r => (r[5] as double? ?? double.NaN, (long)r[6]!));

    private static void AssertNear(double expected, double actual) =>
        Assert.Equal(expected, actual, 1e-9 * Math.Max(1, Math.Abs(expected)));
}
