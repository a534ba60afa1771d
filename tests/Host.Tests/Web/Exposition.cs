using System.Globalization;
using System.Text.RegularExpressions;

namespace InterpActors.Host.Tests.Web;

/// <summary>A strict reader of Prometheus' text exposition format 0.0.4.</summary>
internal sealed partial class Exposition
{
    private readonly Dictionary<string, string> _types = [];
    private readonly Dictionary<string, double> _samples = [];

    /// <summary>Value by <c>name{label="value",…}</c>.</summary>
    public IReadOnlyDictionary<string, double> Samples => _samples;

    /// <summary>The sum over all labels of a name.</summary>
    public double Sum(string name) =>
        _samples.Where(s => s.Key == name || s.Key.StartsWith(name + "{", StringComparison.Ordinal)).Sum(s => s.Value);

    /// <exception cref="FormatException">It is no exposition: a sample without a family, a family twice, a bucket that falls.</exception>
    public static Exposition Parse(string text)
    {
        if (!text.EndsWith('\n')) throw new FormatException("the last line has no end");
        var read = new Exposition();
        var (helped, family) = ("", "");
        foreach (var line in text.Split('\n')[..^1])
        {
            if (Help().Match(line) is { Success: true } help) helped = help.Groups[1].Value;
            else if (Type().Match(line) is { Success: true } type)
            {
                family = type.Groups[1].Value;
                if (family != helped || !read._types.TryAdd(family, type.Groups[2].Value))
                    throw new FormatException($"family {family}: {line}");
            }
            else if (Sample().Match(line) is { Success: true } sample) read.Add(family, sample);
            else throw new FormatException($"not a line of the format: {line}");
        }
        foreach (var (name, _) in read._types.Where(t => t.Value == "histogram")) read.CheckHistogram(name);
        return read;
    }

    private void Add(string family, Match sample)
    {
        var (name, labels, value) = (sample.Groups[1].Value, sample.Groups[2].Value, sample.Groups[3].Value);
        var parts = _types[family] == "histogram" ? new[] { "_bucket", "_sum", "_count" } : [""];
        if (!parts.Any(p => name == family + p)) throw new FormatException($"{name} is not of the family {family}");
        if (_types[family] == "counter" && !name.EndsWith("_total", StringComparison.Ordinal))
            throw new FormatException($"the counter {name} is no total");
        var number = value switch
        {
            "+Inf" => double.PositiveInfinity,
            "-Inf" => double.NegativeInfinity,
            _ => double.Parse(value, CultureInfo.InvariantCulture),
        };
        var key = labels.Length == 0 ? name : $"{name}{{{labels}}}";
        if (!_samples.TryAdd(key, number)) throw new FormatException($"{key} comes twice");
    }

    private void CheckHistogram(string name)
    {
        var buckets = _samples.Where(s => s.Key.StartsWith(name + "_bucket{", StringComparison.Ordinal))
            .GroupBy(s => Bound().Replace(s.Key[(name.Length + "_bucket{".Length)..^1], "").TrimEnd(','));
        foreach (var series in buckets)
        {
            var values = series.Select(s => s.Value).ToArray();
            if (!values.SequenceEqual(values.Order())) throw new FormatException($"buckets of {name} fall");
            var count = series.Key.Length == 0 ? $"{name}_count" : $"{name}_count{{{series.Key}}}";
            if (values[^1] != _samples[count])
                throw new FormatException($"{name} has {_samples[count]} values and {values[^1]} in its buckets");
        }
    }

    [GeneratedRegex(@"^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) .+$")]
    private static partial Regex Help();

    [GeneratedRegex(@"^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$")]
    private static partial Regex Type();

    [GeneratedRegex(@"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*=""(?:[^""\\\n]|\\[\\""n])*"",?)+)\})? (\S+)$")]
    private static partial Regex Sample();

    [GeneratedRegex(@"le=""[^""]*""")]
    private static partial Regex Bound();
}
