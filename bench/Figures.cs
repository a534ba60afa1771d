using System.Globalization;
using System.Text.Json.Nodes;

namespace InterpActors.Bench;

/// <summary>Several measurements of one thing, for the table and the JSON line.</summary>
public static class Figures
{
    /// <summary>Adds <c>name</c> (the median), <c>name_min</c> and <c>name_max</c>, and prints a row.</summary>
    public static JsonObject AddFigure(this JsonObject figures, string name, IEnumerable<double> measured)
    {
        var sorted = measured.Order().ToArray();
        var median = sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[sorted.Length / 2 - 1] + sorted[sorted.Length / 2]) / 2;
        figures[name] = median;
        figures[name + "_min"] = sorted[0];
        figures[name + "_max"] = sorted[^1];
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name,-36} {median,12:G5}   min {sorted[0],10:G5}   max {sorted[^1],10:G5}   of {sorted.Length}"));
        return figures;
    }
}
