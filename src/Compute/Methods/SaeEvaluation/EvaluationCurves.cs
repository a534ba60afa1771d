using System.Globalization;
using System.Text.RegularExpressions;
using InterpActors.Compute.Reports;

namespace InterpActors.Compute.Methods.SaeEvaluation;

/// <summary>Metrics that are taken for several numbers of latents, as curves over that number.</summary>
internal static partial class EvaluationCurves
{
    // A chart's group and the names of its metrics around the number; the model's own accuracies stand beside those of latents.
    private static readonly (string Title, string Across, (string Group, string Before, string After)[] Of)[] Charts =
    [
        ("accuracy of sparse probes", "columns", [("sae", "sae_top_", "_test_accuracy"), ("llm", "llm_top_", "_test_accuracy")]),
        ("targeted probe perturbation", "latents ablated", [("tpp_metrics", "tpp_threshold_", "_total_metric")]),
        ("spurious correlation removed", "latents ablated", [("scr_metrics", "scr_metric_threshold_", "")]),
    ];

    /// <summary>Those that have more than one point.</summary>
    public static IEnumerable<CurveChart> Of(IReadOnlyList<EvaluationRow> rows)
    {
        foreach (var (title, across, of) in Charts)
        {
            var series = new List<CurveSeries>();
            foreach (var (group, before, after) in of)
                foreach (var sae in rows.Where(r => r.Metric.Group == group).GroupBy(r => r.Sae.Name))
                {
                    // The activations are the same for every dictionary.
                    if (group == "llm" && series.Any(s => s.Name == "activations")) continue;
                    var points = sae.Select(r => (At: Number(r.Metric.Metric, before, after), r.Metric.Value))
                        .Where(p => p.At is not null).ToArray();
                    if (points.Length > 1)
                        series.Add(new CurveSeries(group == "llm" ? "activations" : sae.Key, [.. points.Select(p => p.At!.Value)],
                            [.. points.Select(p => p.Value ?? double.NaN)]));
                }
            if (series.Count > 0) yield return new CurveChart(title, across, series);
        }
    }

    private static double? Number(string metric, string before, string after) =>
        metric.StartsWith(before, StringComparison.Ordinal) && metric.EndsWith(after, StringComparison.Ordinal)
            && Digits().Match(metric[before.Length..^after.Length]) is { Success: true } digits
            ? double.Parse(digits.Value, CultureInfo.InvariantCulture) : null;

    [GeneratedRegex(@"^\d+$")]
    private static partial Regex Digits();
}
