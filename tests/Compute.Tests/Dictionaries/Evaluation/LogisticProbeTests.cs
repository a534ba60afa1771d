using InterpActors.Compute.Dictionaries.Evaluation;
using InterpActors.Compute.Statistics;
using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Dictionaries.Evaluation;

public class LogisticProbeTests
{
    [Theory]
    [InlineData(40, 3, 1.0, 1.0)]
    [InlineData(40, 3, 100.0, 1.0)]
    [InlineData(12, 30, 1.0, 1.0)]
    [InlineData(60, 5, 1.0, 1000.0)]
    public void At_the_optimum_nothing_slopes(int rows, int columns, double c, double scale)
    {
        var (x, positive) = Data(rows, columns, scale);
        var probe = LogisticProbe.Fit(tensor(x), positive, c, CancellationToken.None);
        // The gradient of 1/2 |w|^2 + C sum log(1 + exp(-s f)), summed by hand.
        var slope = new double[columns + 1];
        for (var j = 0; j < columns; j++) slope[j] = probe.Weights[j];
        var size = slope.Sum(Math.Abs);
        for (var i = 0; i < rows; i++)
        {
            var f = probe.Intercept + Enumerable.Range(0, columns).Sum(j => x[i, j] * probe.Weights[j]);
            var pull = c * (1 / (1 + Math.Exp(-f)) - (positive[i] ? 1 : 0));
            for (var j = 0; j < columns; j++)
            {
                slope[j] += pull * x[i, j];
                size += Math.Abs(pull * x[i, j]);
            }
            slope[columns] += pull;
        }
        Assert.All(slope, s => Assert.True(Math.Abs(s) < 1e-9 * (1 + size), $"{s} of {size}"));
        var right = Enumerable.Range(0, rows).Count(i =>
            probe.Intercept + Enumerable.Range(0, columns).Sum(j => x[i, j] * probe.Weights[j]) > 0 == positive[i]);
        Assert.Equal(right, probe.Right(tensor(x), positive));
    }

    [Fact]
    public void Classes_that_part_perfectly_have_an_optimum_too()
    {
        var x = new double[,] { { -2 }, { -1 }, { 1 }, { 2 } };
        bool[] positive = [false, false, true, true];
        var mild = LogisticProbe.Fit(tensor(x), positive, 1, CancellationToken.None);
        var strict = LogisticProbe.Fit(tensor(x), positive, 1e6, CancellationToken.None);
        Assert.Equal(0, mild.Intercept, 9);
        Assert.True(strict.Weights[0] > mild.Weights[0] && mild.Weights[0] > 0);
        Assert.Equal(4, strict.Right(tensor(x), positive));
    }

    [Fact]
    public void What_has_no_finite_answer_is_said()
    {
        var x = new double[,] { { 1e200 }, { -1e200 }, { 1e200 } };
        Assert.Contains("does not converge", Assert.Throws<StudyException>(
            () => LogisticProbe.Fit(tensor(x), [true, false, false], 1, CancellationToken.None)).Message);
    }

    private static (double[,] X, bool[] Positive) Data(int rows, int columns, double scale)
    {
        var random = new SeededRandom(7, rows, columns);
        var (x, positive) = (new double[rows, columns], new bool[rows]);
        for (var i = 0; i < rows; i++)
        {
            for (var j = 0; j < columns; j++) x[i, j] = scale * random.NextNormal();
            positive[i] = x[i, 0] / scale + random.NextNormal() > 0;
        }
        return (x, positive);
    }
}
