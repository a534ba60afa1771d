using Parquet;
using Parquet.Schema;

namespace InterpActors.Compute.Reports;

/// <summary>The cells of a study as <c>results.csv</c> and <c>results.parquet</c>. Both depend on the rows alone.</summary>
public static class ResultsTable
{
    private const int RowGroup = 100_000;

    /// <summary>The contract's columns, in its order.</summary>
    public static IReadOnlyList<string> Columns { get; } =
    [
        "hook", "layer", "head", "position", "role", "direction", "value", "metric", "n",
        "clean", "corrupted", "patched", "effect", "effect_se", "score",
    ];

    /// <summary>The column behind them in studies that write latents of a dictionary.</summary>
    private const string LatentColumn = "latent";

    public static void WriteCsv(IReadOnlyCollection<CellRow> rows, Stream stream)
    {
        var latents = rows.Any(r => r.Latent is not null);
        using var csv = new CsvTable(stream);
        foreach (var column in Columns) csv.Text(column);
        if (latents) csv.Text(LatentColumn);
        csv.EndRow();
        foreach (var row in rows)
        {
            csv.Text(row.Hook);
            csv.Integer(row.Layer);
            if (row.Heads is null) csv.Integer(row.Head);
            else csv.Text(row.Heads);
            csv.Integer(row.Position);
            csv.Text(row.Role);
            csv.Text(row.Direction);
            csv.Text(row.Value);
            csv.Text(row.Metric);
            csv.Integer(row.N);
            csv.Number(row.Clean);
            csv.Number(row.Corrupted);
            csv.Number(row.Patched);
            csv.Number(row.Effect);
            csv.Number(row.EffectSe);
            csv.Number(row.Score);
            if (latents) csv.Integer(row.Latent);
            csv.EndRow();
        }
    }

    /// <summary>Writes row groups of 100,000 rows; text, int32 and double columns, nullable except hook, metric and n.</summary>
    public static async Task WriteParquetAsync(IReadOnlyCollection<CellRow> rows, Stream stream)
    {
        // Heads of sites that were written together are text (0 1), so the column is text where a row has such.
        var sets = rows.Any(r => r.Heads is not null);
        var texts = new Dictionary<string, Func<CellRow, string?>>
        {
            ["hook"] = r => r.Hook,
            ["role"] = r => r.Role,
            ["direction"] = r => r.Direction,
            ["value"] = r => r.Value,
            ["metric"] = r => r.Metric,
        };
        if (sets) texts["head"] = r => r.Heads ?? r.Head?.ToString(System.Globalization.CultureInfo.InvariantCulture);
        var integers = new Dictionary<string, Func<CellRow, int?>>
        {
            ["layer"] = r => r.Layer,
            ["head"] = r => r.Head,
            ["position"] = r => r.Position,
            ["n"] = r => r.N,
            [LatentColumn] = r => r.Latent,
        };
        var numbers = new Dictionary<string, Func<CellRow, double?>>
        {
            ["clean"] = r => r.Clean,
            ["corrupted"] = r => r.Corrupted,
            ["patched"] = r => r.Patched,
            ["effect"] = r => r.Effect,
            ["effect_se"] = r => r.EffectSe,
            ["score"] = r => r.Score,
        };
        var columns = rows.Any(r => r.Latent is not null) ? [.. Columns, LatentColumn] : Columns;
        var fields = columns.Select(c =>
            texts.ContainsKey(c) ? new DataField(c, typeof(string), isNullable: c is not ("hook" or "metric"))
            : integers.ContainsKey(c) ? new DataField(c, typeof(int), isNullable: c != "n")
            : new DataField(c, typeof(double), isNullable: true)).ToArray();

        await using var writer = await ParquetWriter.CreateAsync(new ParquetSchema(fields), stream);
        foreach (var chunk in rows.Chunk(RowGroup).DefaultIfEmpty([]))
        {
            using var group = writer.CreateRowGroup();
            foreach (var field in fields)
            {
                if (texts.TryGetValue(field.Name, out var text)) await group.WriteAsync(field, Array.ConvertAll(chunk, r => text(r)!));
                else if (field.Name == "n") await group.WriteAsync<int>(field, Array.ConvertAll(chunk, r => r.N));
                else if (integers.TryGetValue(field.Name, out var integer))
                    await group.WriteAsync<int>(field, Array.ConvertAll(chunk, r => integer(r)));
                else await group.WriteAsync<double>(field, Array.ConvertAll(chunk, r => numbers[field.Name](r)));
            }
            group.CompleteValidate();
        }
    }
}
