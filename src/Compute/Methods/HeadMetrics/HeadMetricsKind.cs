using InterpActors.Compute.Interventions;
using InterpActors.Compute.Metrics;
using InterpActors.Compute.Studies;
using InterpActors.Compute.Sweeps;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Methods.HeadMetrics;

/// <summary>DARTS-GT's head metrics: deviation of every head, specialisation and focus of every prompt.</summary>
public sealed class HeadMetricsKind : IStudyKind
{
    public string Name => "head-metrics";

    public string DefaultMetric => MetricWords.NegativeLogLikelihood;

    public StudyKindHelp Help { get; } = new(
        "head deviation, specialisation and focus by zeroing one head after another (DARTS-GT)",
        [
            new("error", "nll", "what a prompt's error is: " + string.Join(", ", ErrorMetrics.Words)),
            new("top", "5", "how many of a prompt's heads of largest deviation focus compares"),
            new("normalise", "none", "none, or causal: attention received is divided by the number of queries that can see the position; "
                + "both are written, this one is quoted"),
            new("layers", "all", "list of layers"),
            new("heads", "all", "list of heads"),
            new("hooks", "all", "list of hook names, * matches anything"),
        ],
        "deviation = error with the head's z zeroed − error; specialisation = population standard deviation of the deviations over heads; "
            + "focus = mean pairwise Jaccard of the top heads' max(1, T div 10) positions that receive most attention",
        "1 + layers · heads forwards a prompt, less what no intervention can reach",
        "DARTS-GT, arXiv:2510.14336");

    /// <inheritdoc/>
    public IStudyMethod Read(StudySection method, StudyContext study)
    {
        var grid = SweepKeys.Read(method, study, new SweepKeyOptions([Component.Z], Granularity.All) { Fixed = true });
        var error = method.OneOf("error", ErrorMetrics.Words, MetricWords.NegativeLogLikelihood);
        var top = method.Int("top", 5, 1, 1000);
        var causal = method.OneOf("normalise", ["none", "causal"], "none") == "causal";
        MetricSpec.Check(ErrorMetrics.MetricOf(error), study.Task, method.Where("error"));
        return new HeadMetricsMethod(study, grid, error, top, causal);
    }
}
