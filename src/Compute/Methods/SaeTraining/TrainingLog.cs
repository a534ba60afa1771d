using System.Globalization;
using System.Text;
using InterpActors.Compute.Dictionaries.Training;

namespace InterpActors.Compute.Methods.SaeTraining;

/// <summary>
/// The logged steps of a dictionary as lines of <c>training.csv</c> without the unit's name: numbers as many digits as they need. A
/// checkpoint holds them, so that a run that is continued has them all.
/// </summary>
internal sealed class TrainingLog
{
    /// <summary>Of a log, in a checkpoint and beside the saved dictionary.</summary>
    public const string FileName = "training.csv";

    private static readonly string[] Before = ["step", "tokens", "lr", "coefficient", "loss"];
    private static readonly string[] After = ["l0", "dead", "grad_norm", "threshold", "explained_variance"];

    private readonly List<double[]> _rows = [];

    /// <param name="terms">Names of the loss terms.</param>
    public TrainingLog(IReadOnlyList<string> terms) =>
        Columns = [.. Before, .. terms, .. After];

    /// <summary>Of <c>training.csv</c>, without the unit.</summary>
    public IReadOnlyList<string> Columns { get; }

    /// <summary>Names of the loss terms.</summary>
    public IReadOnlyList<string> LossTerms => [.. Columns.Skip(Before.Length).SkipLast(After.Length)];

    /// <summary>In the order of <see cref="Columns"/>.</summary>
    public IReadOnlyList<double[]> Rows => _rows;

    /// <summary>The columns that hold whole numbers.</summary>
    public static bool IsWhole(string column) => column is "step" or "tokens" or "dead" or "eval_tokens" or "eval_special_tokens";

    /// <param name="explained">Explained variance of the batch; NaN where it means nothing.</param>
    public void Add(StepReport report, int batch, double explained) =>
        _rows.Add([report.Step, (report.Step + 1) * (double)batch, report.LearningRate,
        report.Coefficient, report.Loss, .. report.Terms, report.L0, report.Dead, report.GradientNorm, report.Threshold ?? 0, explained]);

    /// <summary>The last value of a column; null where there is none.</summary>
    public double? Last(string column) => _rows.Count == 0 ? null : _rows[^1][Columns.ToList().IndexOf(column)];

    public byte[] ToBytes()
    {
        var text = new StringBuilder(string.Join(',', Columns)).Append('\n');
        foreach (var row in _rows) text.Append(string.Join(',', row.Select(v => v.ToString("R", CultureInfo.InvariantCulture))))
            .Append('\n');
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <summary>The values of a column, step by step.</summary>
    public IReadOnlyList<double> Values(string column)
    {
        var at = Columns.ToList().IndexOf(column);
        return [.. _rows.Select(r => r[at])];
    }

    /// <exception cref="FormatException">It is not the log of a dictionary, whatever its loss terms.</exception>
    public static TrainingLog Parse(byte[] bytes)
    {
        var columns = Encoding.UTF8.GetString(bytes).Split('\n')[0].Split(',');
        return columns.Length >= Before.Length + After.Length ? Parse(bytes, columns[Before.Length..^After.Length])
            : throw new FormatException("the log has other columns");
    }

    /// <exception cref="FormatException">It is not the log of a dictionary with these loss terms.</exception>
    public static TrainingLog Parse(byte[] bytes, IReadOnlyList<string> terms)
    {
        var log = new TrainingLog(terms);
        var lines = Encoding.UTF8.GetString(bytes).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length == 0 || lines[0] != string.Join(',', log.Columns)) throw new FormatException("the log has other columns");
        foreach (var line in lines.Skip(1))
            log._rows.Add([.. line.Split(',').Select(v => double.Parse(v, NumberStyles.Float, CultureInfo.InvariantCulture))]);
        if (log._rows.Any(r => r.Length != log.Columns.Count)) throw new FormatException("a line of the log is cut short");
        return log;
    }
}
