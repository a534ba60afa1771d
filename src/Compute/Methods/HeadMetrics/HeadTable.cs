using System.Globalization;
using InterpActors.Compute.Reports;
using InterpActors.Compute.Statistics;
using InterpActors.Compute.Studies;

namespace InterpActors.Compute.Methods.HeadMetrics;

/// <summary>What head metrics say of one prompt.</summary>
/// <param name="Top">The heads of largest deviation, <c>layer.head</c>, largest first.</param>
internal sealed record HeadRow(string Prompt, double Specialisation, double Focus, double FocusCausal, IReadOnlyList<string> Top);

/// <summary>Specialisation and focus prompt by prompt: <c>head-metrics-prompts.csv</c>.</summary>
internal sealed class HeadTable(IReadOnlyList<HeadRow> rows)
{
    /// <param name="deviations">Per head, per prompt; null where a unit failed: such heads are left out.</param>
    public static HeadTable Of(
        StudyContext study, IReadOnlyList<(int Layer, int Head)> heads, IReadOnlyList<double[]?> deviations,
        IReadOnlyDictionary<(int Layer, int Head, int Prompt), (int[] Plain, int[] Causal)> important, int top)
    {
        var known = Enumerable.Range(0, heads.Count).Where(h => deviations[h] is not null).ToArray();
        var rows = new List<HeadRow>();
        for (var p = 0; p < study.PromptCount; p++)
        {
            var prompt = p;
            var values = known.Select(h => deviations[h]![prompt]).ToArray();
            var best = Enumerable.Range(0, known.Length).OrderByDescending(i => values[i]).ThenBy(i => i).Take(top)
                .Select(i => heads[known[i]]).ToArray();
            rows.Add(new HeadRow(study.Task.Prompts[p].Id, Spread(values),
                Focus([.. best.Select(h => important[(h.Layer, h.Head, prompt)].Plain)]),
                Focus([.. best.Select(h => important[(h.Layer, h.Head, prompt)].Causal)]),
                [.. best.Select(h => string.Create(CultureInfo.InvariantCulture, $"{h.Layer}.{h.Head}"))]));
        }
        return new HeadTable(rows);
    }

    public ExtraTable Csv() => new("head-metrics-prompts.csv", ["prompt", "specialisation", "focus", "focus_causal", "top"],
        [.. rows.Select(r => (IReadOnlyList<object?>)[r.Prompt, r.Specialisation, r.Focus, r.FocusCausal, string.Join(' ', r.Top)])]);

    public double Median(Func<HeadRow, double> of)
    {
        var values = rows.Select(of).Order().ToArray();
        return values.Length % 2 == 1 ? values[values.Length / 2] : (values[values.Length / 2 - 1] + values[values.Length / 2]) / 2;
    }

    /// <summary>Population standard deviation.</summary>
    private static double Spread(double[] values)
    {
        var mean = MeanEstimate.MeanOf(values);
        return Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / values.Length);
    }

    /// <summary>Mean Jaccard similarity over all pairs; 0 for fewer than two sets.</summary>
    private static double Focus(int[][] sets)
    {
        double sum = 0;
        var pairs = 0;
        for (var a = 0; a < sets.Length; a++)
            for (var b = a + 1; b < sets.Length; b++, pairs++)
                sum += sets[a].Intersect(sets[b]).Count() / (double)sets[a].Union(sets[b]).Count();
        return pairs == 0 ? 0 : sum / pairs;
    }
}
