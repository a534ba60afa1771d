using InterpActors.Compute.Reports;

namespace InterpActors.Compute.Methods.SaeTraining;

/// <summary>How the training of one dictionary went, as charts: what a feature page shows.</summary>
internal static class TrainingCurves
{
    private static readonly string[] Others = ["l0", "dead", "explained_variance"];

    /// <summary>The charts of a saved dictionary whose training left its log beside it; none for a dictionary of other origin.</summary>
    /// <param name="folder">The dictionary's.</param>
    public static IReadOnlyList<CurveChart> Of(string folder)
    {
        try
        {
            var file = Path.Combine(folder, TrainingLog.FileName);
            return File.Exists(file) ? Of(TrainingLog.Parse(File.ReadAllBytes(file))) : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            // A file of that name that is something else.
            return [];
        }
    }

    private static List<CurveChart> Of(TrainingLog log)
    {
        var steps = log.Values("step");
        CurveSeries Line(string column) => new(column.Replace('_', ' '), steps, log.Values(column));
        // The loss is the sum of its terms: one alone says nothing more.
        var losses = log.LossTerms.Count > 1 ? log.LossTerms.Prepend("loss") : ["loss"];
        var charts = new List<CurveChart> { new("loss", "step", [.. losses.Select(Line)]) };
        charts.AddRange(Others.Select(c => new CurveChart(c.Replace('_', ' '), "step", [Line(c)])));
        return [.. charts.Where(c => c.Series.Any(s => s.Y.Any(double.IsFinite)))];
    }
}
