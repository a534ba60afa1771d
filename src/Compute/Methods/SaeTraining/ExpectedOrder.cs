using System.Globalization;
using InterpActors.Compute.Reports;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Methods.SaeTraining;

/// <summary>
/// An order that a study's author expects between dictionaries of a sweep: <c>eval_mse_special: fast &lt; btf &lt; btp</c>. Names are those
/// of data or architectures; compared are dictionaries that differ in nothing else.
/// </summary>
/// <param name="Names">From the smallest figure to the largest.</param>
internal sealed record ExpectedOrder(string Column, IReadOnlyList<string> Names)
{
    /// <summary>Reads <c>expect_order = ["eval_mse_special: fast &lt; btf", …]</c>.</summary>
    /// <exception cref="StudyException">An order cannot be read, or names what the study does not have.</exception>
    public static IReadOnlyList<ExpectedOrder> Read(StudySection method, IReadOnlyList<TrainingSettings> dictionaries)
    {
        var columns = dictionaries.SelectMany(d => ExpectedLine.Figures(d.Arm, d.Plan.Architecture)).Distinct().ToArray();
        var known = dictionaries.SelectMany(d => d.Labels).Distinct().ToArray();
        return [.. (method.Texts("expect_order") ?? []).Select(text =>
        {
            var halves = text.Split(':', StringSplitOptions.TrimEntries);
            var names = halves.Length == 2 ? halves[1].Split('<', StringSplitOptions.TrimEntries) : [];
            if (names.Length < 2) throw method.Wrong("expect_order", $"'{text}' is no order", "write e.g. eval_mse_special: fast < btf");
            if (!columns.Contains(halves[0]))
                throw method.Wrong("expect_order", $"'{halves[0]}' is not measured", StudySection.Nearest(halves[0], columns));
            foreach (var name in names)
                if (!known.Contains(name)) throw method.Wrong("expect_order", $"'{name}' is not swept", StudySection.Nearest(name, known));
            return new ExpectedOrder(halves[0], names);
        })];
    }

    /// <summary>Whether all dictionaries keep to it; those that were not trained to their end do not.</summary>
    /// <param name="figure">Null for a dictionary without one.</param>
    public TrustCheck Judge(IReadOnlyList<TrainingSettings> dictionaries, Func<TrainingSettings, double?> figure)
    {
        var byName = dictionaries.ToDictionary(d => d.Name);
        var chains = dictionaries.Where(d => d.Labels.Contains(Names[0])).Select(first => Names.Select(name =>
                byName.GetValueOrDefault(string.Join('-', first.Labels.Select(l => l == Names[0] ? name : l))))
            .Select(d => (Name: d?.Name ?? "none", Value: d is null ? double.NaN : figure(d) ?? double.NaN)).ToArray()).ToArray();
        var miss = chains.FirstOrDefault(c => c.Zip(c.Skip(1)).Any(pair => !(pair.First.Value < pair.Second.Value)));
        var shown = string.Join(" < ", (miss ?? chains[0])
            .Select(d => string.Create(CultureInfo.InvariantCulture, $"{d.Value:G4} ({d.Name})")));
        return new TrustCheck($"order: {Column.Replace('_', ' ')}", miss is null ? "good" : "bad",
            miss is null ? $"{shown}, as expected." : $"not as expected: {shown} does not hold.");
    }
}
