using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Evaluation;

/// <summary>A probe on some columns, and how well it does.</summary>
/// <param name="Columns">Ascending; null for all.</param>
/// <param name="Accuracy">Share of the test rows that it puts on their side.</param>
internal sealed record SparseProbe(int[]? Columns, LogisticProbe Probe, double TrainAccuracy, double Accuracy);

/// <summary>
/// k-sparse probing: a logistic regression on the k columns whose means differ most between two classes. Sources: arXiv:2305.01610;
/// SAEBench's sparse probing.
/// </summary>
/// <param name="train">[rows, columns], fp64.</param>
/// <param name="test">[rows, columns], fp64.</param>
internal sealed class SparseProbes(Tensor train, bool[] trainPositive, Tensor test, bool[] testPositive, double c)
{
    /// <param name="k">Null for a probe on all columns.</param>
    public SparseProbe Fit(int? k, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var columns = k is { } few ? Best(few) : null;
        var (x, unseen) = (Of(train, columns), Of(test, columns));
        var probe = LogisticProbe.Fit(x, trainPositive, c, cancellation);
        return new SparseProbe(columns, probe, probe.Right(x, trainPositive) / (double)trainPositive.Length,
            probe.Right(unseen, testPositive) / (double)testPositive.Length);
    }

    /// <summary>The k columns of largest |mean of the positive − mean of the negative|; of equals the first.</summary>
    private int[] Best(int k)
    {
        var positive = tensor(trainPositive);
        var difference = (train[positive].mean([0L]) - train[positive.logical_not()].mean([0L])).abs().data<double>().ToArray();
        return [.. Enumerable.Range(0, difference.Length).OrderByDescending(i => difference[i]).Take(k).Order()];
    }

    private static Tensor Of(Tensor rows, int[]? columns) =>
        columns is null ? rows : rows.index_select(1, tensor(columns.Select(i => (long)i).ToArray()));
}
