using InterpActors.Compute.GroundTruth;
using InterpActors.Compute.Tasks;

namespace InterpActors.Compute.Tests.GroundTruth;

public class IoiModelTests
{
    private static readonly string[] Heads = ["0.0", "1.0", "2.0"];
    private static readonly string[] Distractors = ["0.1", "1.1", "2.1"];

    // As measured with another implementation on 64 prompts, in 31 of which S comes first; the effect depends on that order only.
    [Theory]
    [InlineData(0.5, 0, -1.110, 1.124, null, null)]
    [InlineData(2, 1, 3.791, -3.697, new[] { -6.348, -3.941, -3.791 }, new[] { 1.103, 1.103, 1.0 })]
    [InlineData(4, 1, 7.967, -7.967, new[] { -10.632, -7.936, -7.967 }, new[] { 1.0005, 1.0005, 1.0 })]
    [InlineData(8, 1, 8.0, -8.0, new[] { -10.667, -7.999, -8.0 }, new[] { 1.0, 1.0, 1.0 })]
    [InlineData(16, 1, 8.0, -8.0, new[] { -10.667, -8.0, -8.0 }, new[] { 1.0, 1.0, 1.0 })]
    public void TheTableHolds(double beta, double accuracy, double clean, double corrupted, double[]? zeroing, double[]? restoring)
    {
        using var runs = Measured(beta);
        var (cleanIs, corruptedIs) = (runs.LogitDifferences().Average(), runs.LogitDifferences(corrupted: true).Average());
        Assert.Equal(accuracy, runs.Accuracy());
        Assert.Equal(clean, cleanIs, 1e-3);
        Assert.Equal(corrupted, corruptedIs, 1e-3);
        for (var i = 0; i < 3 && zeroing is not null; i++)
        {
            Assert.Equal(zeroing[i], runs.LogitDifferences(zeroed: [Heads[i]]).Average() - cleanIs, 1e-3);
            var restored = runs.LogitDifferences(corrupted: true, restored: [Heads[i]]).Average();
            Assert.Equal(restoring![i], (restored - corruptedIs) / (cleanIs - corruptedIs), 1e-3);
        }
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(4)]
    [InlineData(16)]
    public void DistractorsDoExactlyNothing(double beta)
    {
        using var runs = Measured(beta);
        foreach (var head in Distractors)
        {
            Assert.Equal(runs.LogitDifferences(), runs.LogitDifferences(zeroed: [head]));
            Assert.Equal(runs.LogitDifferences(corrupted: true), runs.LogitDifferences(corrupted: true, restored: [head]));
        }
    }

    // Gradient methods fail where attention saturates: that is what these models show.
    [Theory]
    [InlineData(2, new[] { 0.940, 0.940, 1 }, new[] { 1.104, 1.104 }, 0.994, 1.000)]
    [InlineData(4, new[] { 0.020, 0.020, 1 }, new[] { 1.0006, 1.0006 }, 0.468, 1.000)]
    [InlineData(8, new[] { 0.0, 0.0, 1 }, new[] { 0.949, 0.949 }, 0.447, 0.999)]
    [InlineData(16, new[] { 0.0, 0.0, 1 }, new[] { 0.483, 0.483 }, 0.447, 0.885)]
    public void GradientsOfSaturatedAttentionAreBlind(
        double beta, double[] attribution, double[] integrated, double pearsonAttribution, double pearsonIntegrated)
    {
        using var runs = Measured(beta);
        var corrupted = runs.LogitDifferences(corrupted: true).Average();
        var range = runs.LogitDifferences().Average() - corrupted;
        string[] all = [.. Heads, .. Distractors];
        var exact = all.Select(h => (runs.LogitDifferences(corrupted: true, restored: [h]).Average() - corrupted) / range).ToArray();
        var atp = all.Select(h => runs.Attribution(h, [0]) / range).ToArray();
        var ig = all.Select(h => runs.Attribution(h, [.. Enumerable.Range(0, 10).Select(k => (k + 0.5) / 10)]) / range).ToArray();
        for (var i = 0; i < 3; i++) Assert.Equal(attribution[i], atp[i], 1e-3);
        for (var i = 0; i < 2; i++) Assert.Equal(integrated[i], ig[i], 1e-3);
        Assert.Equal(pearsonAttribution, MathNet.Numerics.Statistics.Correlation.Pearson(exact, atp), 1e-3);
        Assert.Equal(pearsonIntegrated, MathNet.Numerics.Statistics.Correlation.Pearson(exact, ig), 1e-3);
    }

    [Fact]
    public void TheBackupTableHolds()
    {
        using var runs = Measured(4, "gt-ioi-b");
        double Zeroed(params string[] heads) => runs.LogitDifferences(zeroed: heads).Average();
        Assert.Equal(5.978, Zeroed(), 1e-3);
        Assert.Equal(5.976, Zeroed("2.0"), 1e-3);
        Assert.Equal(5.976, Zeroed("3.0"), 1e-3);
        Assert.Equal(-1.992, Zeroed("2.0", "3.0"), 1e-3);
        Assert.Equal(7.970, Zeroed("3.1"), 1e-3);
        Assert.Equal(7.967, Zeroed("2.0", "3.1"), 1e-3);
        Assert.Equal(0, Zeroed("2.0", "3.0", "3.1"));
        Assert.All(Distractors, d => Assert.Equal(runs.LogitDifferences(), runs.LogitDifferences(zeroed: [d])));
    }

    [Fact]
    public void EffectsApproachTheirClosedForms()
    {
        var circuit = new IoiCircuit(40, 8, backup: false);
        foreach (var subjectFirst in new[] { true, false })
        {
            Assert.Equal(8, circuit.LogitDifference(subjectFirst, false), 1e-12);
            Assert.Equal(8 * (1.0 / 3 - 2.0 / 3), circuit.LogitDifference(subjectFirst, false, zeroed: ["0.0"]), 1e-12);
            Assert.Equal(0, circuit.LogitDifference(subjectFirst, false, zeroed: ["1.0"]), 1e-12);
            Assert.Equal(0, circuit.LogitDifference(subjectFirst, false, zeroed: ["2.0"]), 1e-12);
        }
    }

    [Theory]
    [InlineData("gt-ioi", 4, false)]
    [InlineData("gt-ioi", 2, true)]
    [InlineData("gt-ioi-b", 4, false)]
    [InlineData("gt-ioi-b", 4, true)]
    public void EveryCellIsWhatTheRulesSayInEveryBasis(string name, double beta, bool rotated)
    {
        var built = GroundTruthModels.Build(name, beta);
        using var runs = new HandBuiltRuns(rotated ? built.Rotated(5) : built, HandBuiltRuns.Ioi(built, 16, seed: 2));
        var circuit = new IoiCircuit(beta, GroundTruthModels.Gamma, name == "gt-ioi-b");
        Same(runs, circuit, corrupted: false, [], []);
        Same(runs, circuit, corrupted: true, [], []);
        foreach (var head in circuit.Heads.Concat(circuit.Distractors))
        {
            Same(runs, circuit, corrupted: false, [head], []);
            Same(runs, circuit, corrupted: true, [], [head]);
            foreach (var second in circuit.Heads) Same(runs, circuit, corrupted: false, [head, second], []);
        }
        if (rotated) built.Dispose();
    }

    private static void Same(HandBuiltRuns runs, IoiCircuit circuit, bool corrupted, string[] zeroed, string[] restored)
    {
        var expected = runs.Task.Prompts.Select(p => circuit.LogitDifference(p.Roles["S1"][0] == 2, corrupted, zeroed, restored));
        foreach (var (e, a) in expected.Zip(runs.LogitDifferences(corrupted, zeroed, restored))) Assert.Equal(e, a, 1e-9);
    }

    private static HandBuiltRuns Measured(double beta, string name = "gt-ioi")
    {
        var model = GroundTruthModels.Build(name, beta);
        var all = HandBuiltRuns.Ioi(model, 66);
        PromptPair[] prompts =
        [
            .. all.Prompts.Where(p => p.Roles["S1"][0] == 2).Take(31),
            .. all.Prompts.Where(p => p.Roles["S1"][0] == 4).Take(33),
        ];
        return new HandBuiltRuns(model, all with { Prompts = prompts });
    }
}
