using System.Globalization;
using Parquet;
using Parquet.Schema;

namespace InterpActors.Compute.Reports;

/// <summary>An <see cref="ExtraTable"/> as a file: text as CSV, typed as Parquet. Both depend on the rows alone.</summary>
internal static class TableFile
{
    private const int RowGroup = 100_000;

    public static void WriteCsv(ExtraTable table, Stream stream)
    {
        using var csv = new CsvTable(stream);
        foreach (var column in table.Columns) csv.Text(column);
        csv.EndRow();
        foreach (var row in table.Rows)
        {
            foreach (var value in row) csv.Value(value);
            csv.EndRow();
        }
    }

    /// <summary>Columns of whole numbers become int64, of other numbers double, all others text; each nullable.</summary>
    public static async Task WriteParquetAsync(ExtraTable table, Stream stream)
    {
        var types = table.Columns.Select((_, c) => TypeOf(table.Rows.Select(r => r[c]))).ToArray();
        var fields = table.Columns.Select((name, c) => new DataField(name, types[c], isNullable: true)).ToArray();
        await using var writer = await ParquetWriter.CreateAsync(new ParquetSchema(fields), stream);
        foreach (var chunk in table.Rows.Chunk(RowGroup).DefaultIfEmpty([]))
        {
            using var group = writer.CreateRowGroup();
            for (var c = 0; c < fields.Length; c++)
            {
                var column = c;
                if (types[c] == typeof(long)) await group.WriteAsync<long>(fields[c], Array.ConvertAll(chunk, r => Whole(r[column])));
                else if (types[c] == typeof(double))
                    await group.WriteAsync<double>(fields[c], Array.ConvertAll(chunk, r => Number(r[column])));
                else
                    await group.WriteAsync(fields[c],
                        Array.ConvertAll(chunk, r => Convert.ToString(r[column], CultureInfo.InvariantCulture)!));
            }
            group.CompleteValidate();
        }
    }

    private static long? Whole(object? value) => value is null ? null : Convert.ToInt64(value, CultureInfo.InvariantCulture);

    private static double? Number(object? value) => value is null ? null : Convert.ToDouble(value, CultureInfo.InvariantCulture);

    private static Type TypeOf(IEnumerable<object?> values)
    {
        var found = values.Where(v => v is not null).Select(v => v switch
        {
            int or long or short or byte => typeof(long),
            double or float => typeof(double),
            _ => typeof(string),
        }).Distinct().ToArray();
        return found switch
        {
            [var one] => one,
            [_, _] when !found.Contains(typeof(string)) => typeof(double),
            _ => typeof(string),
        };
    }
}
