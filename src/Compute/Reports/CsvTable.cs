using System.Globalization;
using System.Text;

namespace InterpActors.Compute.Reports;

/// <summary>
/// Writes comma-separated values: UTF-8 without a mark, <c>\n</c> line ends, RFC 4180 quoting, invariant culture, empty for null.
/// Doubles have as many digits as they need to be read back exactly and always a point or an exponent (<c>0.0</c>, <c>7.4e-05</c>),
/// so that no reader takes them for integers. Rows are streamed.
/// </summary>
public sealed class CsvTable : IDisposable
{
    private readonly StreamWriter _writer;
    private bool _rowBegun;

    /// <param name="stream">Stays open.</param>
    public CsvTable(Stream stream) =>
        _writer = new StreamWriter(stream, new UTF8Encoding(false), 1 << 16, leaveOpen: true) { NewLine = "\n" };

    public void Text(string? value)
    {
        Separate();
        if (value is null) return;
        if (value.AsSpan().IndexOfAny(",\"\r\n") < 0)
        {
            _writer.Write(value);
            return;
        }
        _writer.Write('"');
        _writer.Write(value.Replace("\"", "\"\""));
        _writer.Write('"');
    }

    public void Integer(long? value)
    {
        Separate();
        if (value is not { } x) return;
        Span<char> digits = stackalloc char[24];
        x.TryFormat(digits, out var length, default, CultureInfo.InvariantCulture);
        _writer.Write(digits[..length]);
    }

    public void Number(double? value)
    {
        Separate();
        if (value is not { } x) return;
        Span<char> digits = stackalloc char[40];
        x.TryFormat(digits, out var length, "R", CultureInfo.InvariantCulture);
        var text = digits[..length];
        if (double.IsFinite(x)) text.Replace('E', 'e');
        _writer.Write(text);
        if (double.IsFinite(x) && text.IndexOfAny('.', 'e') < 0) _writer.Write(".0");
    }

    /// <summary>Writes text, integers, doubles, booleans and null as their type asks.</summary>
    /// <exception cref="ArgumentException">The value is of another type.</exception>
    public void Value(object? value)
    {
        switch (value)
        {
            case null: Text(null); break;
            case string text: Text(text); break;
            case bool flag: Text(flag ? "true" : "false"); break;
            case int or long or short or byte: Integer(Convert.ToInt64(value, CultureInfo.InvariantCulture)); break;
            case double number: Number(number); break;
            case float number: Number(number); break;
            default: throw new ArgumentException($"a table cannot hold a {value.GetType().Name}", nameof(value));
        }
    }

    public void EndRow()
    {
        _writer.Write('\n');
        _rowBegun = false;
    }

    /// <summary>Hands everything on to the stream, which stays open.</summary>
    public void Dispose() => _writer.Dispose();

    private void Separate()
    {
        if (_rowBegun) _writer.Write(',');
        _rowBegun = true;
    }
}
