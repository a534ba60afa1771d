using System.Globalization;
using InterpActors.Compute.Tests.Studies;
using InterpActors.Compute.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Methods;

/// <summary>Studies on two small trained transformers against rows computed by other programs in fp64.</summary>
public sealed class ReferenceCaseTests
{
    private const double Tolerance = 1e-9;
    private static readonly string[] Keys = ["hook", "layer", "head", "position", "role", "direction", "value", "metric", "n"];
    private static readonly string[] Numbers = ["clean", "corrupted", "patched", "effect", "effect_se", "score"];

    public static TheoryData<string> Cases()
    {
        var cases = new TheoryData<string>();
        foreach (var file in Directory.EnumerateFiles(TestData.Path("interventions"), "*.conf", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal))
            cases.Add(Path.GetRelativePath(TestData.Path("."), file));
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Rows_equal_the_reference(string study)
    {
        var actual = Read(StudyRuns.Csv(StudyRuns.Run(StudyRuns.Compile(study))));
        var expected = Read(File.ReadAllText(Path.ChangeExtension(TestData.Path(study), ".csv")));

        Assert.Equal(expected.Count, actual.Count);
        var effect = expected.Max(r => Math.Abs(Number(r["effect"])));
        var score = expected.Max(r => Math.Abs(Number(r["score"])));
        for (var i = 0; i < expected.Count; i++)
        {
            foreach (var key in Keys)
                Assert.True(expected[i][key] == actual[i][key], $"row {i}: {key} is '{actual[i][key]}', not '{expected[i][key]}'");
            foreach (var number in Numbers)
            {
                if (expected[i][number] == "") continue;
                var difference = Math.Abs(Number(expected[i][number]) - Number(actual[i][number]));
                Assert.True(difference <= Tolerance * (number == "score" ? score : effect),
                    $"row {i} {expected[i]["hook"]}: {number} is {actual[i][number]}, not {expected[i][number]}");
            }
        }
    }

    [Theory]
    [InlineData("tr-gpt2-ioi")]
    [InlineData("tr-llama-ioi")]
    public void Head_metrics_of_every_prompt_equal_the_reference(string folder)
    {
        var result = StudyRuns.Run(StudyRuns.Compile($"interventions/{folder}/head-metrics.conf"));

        var table = Assert.Single(result.Tables, t => t.FileName == "head-metrics-prompts.csv");
        var expected = Read(File.ReadAllText(TestData.Path($"interventions/{folder}/head-metrics-prompts.csv")));
        Assert.Equal(expected.Count, table.Rows.Count);
        Assert.Equal(expected[0].Keys, table.Columns);
        for (var i = 0; i < expected.Count; i++)
        {
            Assert.Equal(expected[i]["prompt"], table.Rows[i][0]);
            Assert.Equal(Number(expected[i]["specialisation"]), (double)table.Rows[i][1]!, 1e-12);
            Assert.Equal(Number(expected[i]["focus"]), (double)table.Rows[i][2]!, 1e-12);
            Assert.Equal(Number(expected[i]["focus_causal"]), (double)table.Rows[i][3]!, 1e-12);
            Assert.Equal(expected[i]["top"], table.Rows[i][4]);
        }

        var path = Path.Combine(Path.GetTempPath(), $"head-metrics-{Guid.NewGuid():N}.safetensors");
        try
        {
            using var scope = NewDisposeScope();
            File.WriteAllBytes(path, Assert.Single(result.Artifacts, a => a.Name == "head-metrics.safetensors").Content);
            using var actual = SafetensorsFile.Open(path);
            using var reference = SafetensorsFile.Open(TestData.Path($"interventions/{folder}/head-metrics.safetensors"));
            var difference = (actual.Read("deviation") - reference.Read("deviation", ScalarType.Float64)).abs().max().ToDouble();
            Assert.True(difference < 1e-10, $"deviations differ by {difference}");
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static List<Dictionary<string, string>> Read(string csv)
    {
        var lines = csv.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.TrimEnd('\r').Split(',')).ToArray();
        return [.. lines.Skip(1).Select(l => lines[0].Zip(l).ToDictionary(p => p.First, p => p.Second))];
    }
}
