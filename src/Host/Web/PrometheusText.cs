using System.Globalization;
using System.Text;

namespace InterpActors.Host.Web;

/// <summary>Prometheus' text exposition format 0.0.4: families with their help and type, one sample a line.</summary>
internal sealed class PrometheusText
{
    public const string Media = "text/plain; version=0.0.4; charset=utf-8";

    private readonly StringBuilder _text = new();

    public void Family(string name, string type, string help, IEnumerable<(string Labels, double Value)> samples)
    {
        Header(name, type, help);
        foreach (var (labels, value) in samples) Sample(name, labels, value);
    }

    /// <summary>Begins a family whose samples have names of their own.</summary>
    public void Header(string name, string type, string help)
    {
        _text.Append("# HELP ").Append(name).Append(' ').Append(help).Append('\n');
        _text.Append("# TYPE ").Append(name).Append(' ').Append(type).Append('\n');
    }

    /// <param name="labels">As <see cref="Label"/> makes them; empty for none.</param>
    public void Sample(string name, string labels, double value)
    {
        _text.Append(name);
        if (labels.Length > 0) _text.Append('{').Append(labels).Append('}');
        _text.Append(' ').Append(Number(value)).Append('\n');
    }

    /// <summary>One label with its value, quoted.</summary>
    public static string Label(string name, string value)
    {
        var quoted = value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)
            .Replace("\n", "\\n", StringComparison.Ordinal);
        return $"{name}=\"{quoted}\"";
    }

    public static string Join(string labels, string label) => labels.Length == 0 ? label : $"{labels},{label}";

    public static string Number(double value) =>
        double.IsPositiveInfinity(value) ? "+Inf" : double.IsNegativeInfinity(value) ? "-Inf"
            : value.ToString("R", CultureInfo.InvariantCulture);

    public override string ToString() => _text.ToString();
}
