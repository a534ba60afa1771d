using InterpActors.Messages.Studies;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Evaluation;

/// <summary>
/// Logistic regression with an intercept, at the optimum of ½‖w‖² + C Σ log(1 + exp(−s(x·w + b))), s = ±1, the intercept not penalised:
/// scikit-learn's objective, solved to the last bits by Newton's method with a line search, so that nothing depends on a tolerance.
/// </summary>
/// <param name="Weights">[columns]</param>
internal sealed record LogisticProbe(double[] Weights, double Intercept)
{
    private const int MostSteps = 200;

    // Newton's error is squared by each step: one more after such a step is exact.
    private const double LastStep = 1e-9;

    /// <param name="x">[rows, columns], fp64.</param>
    /// <param name="positive">[rows]; both classes must be there.</param>
    /// <param name="c">The weight of the data against the penalty; above 0.</param>
    /// <exception cref="StudyException">It does not converge: columns of very different sizes, or a huge <paramref name="c"/>.</exception>
    public static LogisticProbe Fit(Tensor x, IReadOnlyList<bool> positive, double c, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var labels = tensor(positive.Select(p => p ? 1.0 : 0.0).ToArray());
        if (x.shape[1] <= x.shape[0]) return Solve(x, labels, c, cancellation);
        // The optimum is a combination of the rows: with fewer rows than columns, their span's coordinates do.
        var (basis, coordinates) = linalg.qr(x.t().contiguous());
        var inside = Solve(coordinates.t().contiguous(), labels, c, cancellation);
        return inside with { Weights = Numbers(basis.matmul(tensor(inside.Weights))) };
    }

    /// <summary>How many rows it puts on their side.</summary>
    public long Right(Tensor x, IReadOnlyList<bool> positive)
    {
        using var scope = NewDisposeScope();
        var scores = Numbers(x.matmul(tensor(Weights)) + Intercept);
        return scores.Zip(positive).LongCount(r => r.First > 0 == r.Second);
    }

    private static LogisticProbe Solve(Tensor x, Tensor labels, double c, CancellationToken cancellation)
    {
        var columns = x.shape[1];
        var rows = cat([x, ones(x.shape[0], 1, ScalarType.Float64)], 1);
        var penalty = ones(columns + 1, ScalarType.Float64);
        penalty[columns] = 0.0;
        var signs = labels * 2 - 1;
        var at = zeros(columns + 1, ScalarType.Float64);
        var value = Objective(at);
        for (var step = 0; step < MostSteps; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var chances = rows.matmul(at).sigmoid();
            var gradient = rows.t().matmul(chances - labels) * c + penalty * at;
            var curvature = (rows.t() * (chances * (1 - chances))).matmul(rows) * c + penalty.diag();
            Tensor direction;
            try
            {
                direction = linalg.solve(curvature, gradient).neg();
            }
            catch (System.Runtime.InteropServices.ExternalException)
            {
                break;
            }
            var (length, size) = (direction.norm().item<double>(), at.norm().item<double>());
            var slope = (gradient * direction).sum().item<double>();
            if (!double.IsFinite(length) || !double.IsFinite(curvature.sum().item<double>())) break;
            if (length <= LastStep * (1 + size)) return Probe(at + direction);
            var (share, next) = (1.0, Objective(at + direction));
            // Rounding of the sum is allowed for, else the last steps would be taken for steps uphill.
            while (!(next <= value + 1e-4 * share * slope + 1e-12 * Math.Abs(value)))
            {
                share /= 2;
                if (share < 1e-12) throw DoesNotConverge();
                next = Objective(at + direction * share);
            }
            (at, value) = ((at + direction * share).MoveToOuterDisposeScope(), next);
        }
        throw DoesNotConverge();

        double Objective(Tensor point)
        {
            using var scope = NewDisposeScope();
            var losses = nn.functional.softplus(signs.neg() * rows.matmul(point), 1, 40);
            return ((point * penalty).square().sum() * 0.5 + losses.sum() * c).item<double>();
        }

        LogisticProbe Probe(Tensor point)
        {
            var all = Numbers(point);
            return new LogisticProbe(all[..^1], all[^1]);
        }
    }

    private static StudyException DoesNotConverge() =>
        new("the logistic regression does not converge", "probing.C", "choose a smaller C, or activations of a smaller scale");

    private static double[] Numbers(Tensor values) => values.contiguous().data<double>().ToArray();
}
