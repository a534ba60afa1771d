using System.Globalization;
using InterpActors.Compute.Dictionaries.Architectures;
using InterpActors.Compute.Dictionaries.Evaluation;
using InterpActors.Compute.Reports;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Methods.SaeTraining;

/// <summary>A line that a study's author draws before it is run: <c>mcc &gt;= 0.97</c>. The report says whether it was reached.</summary>
internal sealed record ExpectedLine(string Column, bool AtLeast, double Bound)
{
    /// <summary>The time of the whole run: no figure of a dictionary.</summary>
    public const string Seconds = "seconds";

    /// <summary>What can be compared for a dictionary of some data.</summary>
    public static IReadOnlyList<string> Columns(DataArm arm, IArchitecture architecture) => [.. Figures(arm, architecture), Seconds];

    /// <summary>What is measured of a dictionary at its end.</summary>
    public static IReadOnlyList<string> Figures(DataArm arm, IArchitecture architecture) =>
    [
        .. arm.World is { } world ? PlantedComparison.Names(world, architecture) : [],
        .. arm.HeldOut is { } heldOut ? HeldOutScore.Names(heldOut.KnowsSpecial) : [],
    ];

    /// <summary>Reads <c>expect = ["mcc &gt;= 0.97", …]</c>.</summary>
    /// <param name="columns">What can be compared.</param>
    /// <exception cref="StudyException">A line cannot be read or names what the study does not measure.</exception>
    public static IReadOnlyList<ExpectedLine> Read(StudySection method, IReadOnlyList<string> columns) =>
        [.. (method.Texts("expect") ?? []).Select(text =>
    {
        var parts = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (parts is not [var column, ">=" or "<=", var number]
            || !double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out var bound))
            throw method.Wrong("expect", $"'{text}' is no line", "write e.g. mcc >= 0.97");
        if (!columns.Contains(column)) throw method.Wrong("expect", $"'{column}' is not measured", StudySection.Nearest(column, columns));
        return new ExpectedLine(column, parts[1] == ">=", bound);
    })];

    /// <summary>Whether every dictionary keeps to it.</summary>
    /// <param name="of">Which dictionaries it is drawn for; null: all of the study.</param>
    public TrustCheck Judge(IReadOnlyList<(string Name, double Value)> values, string? of)
    {
        var misses = values.Where(v => AtLeast ? !(v.Value >= Bound) : !(v.Value <= Bound)).ToArray();
        var shown = misses.Length > 0 ? misses[0] : AtLeast ? values.MinBy(v => v.Value) : values.MaxBy(v => v.Value);
        var name = $"line: {Column.Replace('_', ' ')}{(of is null ? "" : $" of {of}")}";
        var (verdict, line) = (misses.Length == 0 ? "as expected" : "not as expected", AtLeast ? "at least" : "at most");
        return new TrustCheck(name, misses.Length == 0 ? "good" : "bad",
            string.Create(CultureInfo.InvariantCulture, $"{shown.Value:0.###} ({shown.Name}), {verdict}: {line} {Bound}."));
    }
}
