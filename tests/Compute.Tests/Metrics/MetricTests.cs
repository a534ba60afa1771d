using InterpActors.Compute.Metrics;
using InterpActors.Compute.Tasks;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Metrics;

public sealed class MetricTests
{
    private static readonly TaskData Task = new("pairs",
    [
        new PromptPair("a", null, [1, 2], null, [0], [1], new Dictionary<string, int[]>()),
        new PromptPair("b", null, [1, 2], null, [1, 2], [0, 3], new Dictionary<string, int[]>()),
    ], []);

    [Theory]
    [InlineData("logit-difference", 2.0, -1.0)]
    [InlineData("probability", 0.6652409557748218, 0.3333333333333333)]
    [InlineData("probability-difference", 0.5752103826044417, -0.3333333333333333)]
    [InlineData("nll", 0.40760596444438, 1.0986122886681098)]
    [InlineData("accuracy", 1.0, 0.0)]
    public void Values_by_hand(string kind, double first, double second)
    {
        using var scope = NewDisposeScope();
        var metric = MetricReaders.Create(kind, Task, _ => throw new InvalidOperationException());
        // Second row: e^x = 1, 1/2, 1/2, 1 up to a factor, so masses are 1/3 right, 2/3 wrong.
        var logits = tensor(new[,] { { 3.0, 1.0, 2.0, double.NegativeInfinity }, { 1.0, 1.0 - Math.Log(2), 1.0 - Math.Log(2), 1.0 } });
        if (kind == "logit-difference") logits = tensor(new[,] { { 3.0, 1.0, 2.0, 0.0 }, { 5.0, 1.0, 3.0, 1.0 } });

        var values = metric.FromLogits([0, 1], logits);

        Assert.Equal(first, values[0], 1e-12);
        Assert.Equal(second, values[1], 1e-12);
        if (metric.NeedsAllLogits) return;
        Assert.Equal(second, metric.FromColumns(1, [1.0, 3.0, 5.0, 1.0]), 1e-12);
        Assert.Equal([1, 2, 0, 3], metric.Columns(1));
    }

    [Fact]
    public void Kl_of_the_clean_run_with_itself_is_exactly_0_and_with_another_as_by_hand()
    {
        using var scope = NewDisposeScope();
        var clean = tensor(new[,] { { Math.Log(0.5), Math.Log(0.25), Math.Log(0.25) } });
        var kept = new double[1][];
        new LogProbabilityRecorder(kept).FromLogits([0], clean);
        var metric = new KullbackLeibler(_ => kept[0]);

        Assert.Equal(0.0, metric.FromLogits([0], clean)[0]);
        Assert.Equal(0.5 * Math.Log(0.5 / 0.25) + 0.25 * Math.Log(0.25 / 0.5),
            metric.FromLogits([0], tensor(new[,] { { Math.Log(0.25), Math.Log(0.5), Math.Log(0.25) } }))[0], 1e-15);
    }

    [Fact]
    public void Accuracy_of_logits_that_are_not_numbers_is_not_a_number()
    {
        using var scope = NewDisposeScope();
        var metric = new Accuracy(Task.Prompts);

        Assert.True(double.IsNaN(metric.FromLogits([0], tensor(new[,] { { double.NaN, 1.0, 2.0 } }))[0]));
    }
}
