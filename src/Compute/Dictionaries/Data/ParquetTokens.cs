using InterpActors.Messages.Studies;
using Parquet;
using Parquet.Schema;

namespace InterpActors.Compute.Dictionaries.Data;

/// <summary>
/// Reads a column of a Parquet file: texts, or lists of token ids (<c>input_ids</c>, <c>tokens</c>).
/// </summary>
internal static class ParquetTokens
{
    private static readonly string[] Usual = ["input_ids", "tokens", "text", "content"];

    /// <returns>Per row a text or token ids; the other is null.</returns>
    /// <param name="column">Null for the first of the usual names.</param>
    /// <exception cref="StudyException">The file is damaged, or the column is not there or holds something else.</exception>
    public static IReadOnlyList<(string? Text, long[]? Ids)> Read(string path, string? column)
    {
        try
        {
            // The reader is asynchronous only. It runs on the pool, so that a caller with a synchronisation context cannot deadlock.
            return Task.Run(() => ReadAsync(path, column)).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is not StudyException)
        {
            throw new StudyException($"the Parquet file cannot be read ({e.Message.TrimEnd('.')})", path, inner: e);
        }
    }

    private static async Task<IReadOnlyList<(string?, long[]?)>> ReadAsync(string path, string? column)
    {
        await using var reader = await ParquetReader.CreateAsync(path);
        var fields = reader.Schema.GetDataFields();
        string[] names = [.. fields.Select(f => f.Path.FirstPart!)];
        var name = column ?? Usual.FirstOrDefault(names.Contains)
            ?? throw new StudyException("it has no column of texts or token ids by a usual name", path,
                $"name one: column = {names.FirstOrDefault()}");
        var field = fields.FirstOrDefault(f => f.Path.FirstPart == name)
            ?? throw new StudyException($"there is no column '{name}'", path, StudySection.Nearest(name, names));
        var rows = new List<(string?, long[]?)>();
        for (var g = 0; g < reader.RowGroupCount; g++)
        {
            using var group = reader.OpenRowGroupReader(g);
            if (field.ClrType == typeof(string) && field.MaxRepetitionLevel == 0)
            {
                var texts = new string?[group.RowCount];
                await group.ReadAsync(field, texts.AsMemory());
                rows.AddRange(texts.Select(t => (t, default(long[]))));
            }
            else if (field.MaxRepetitionLevel == 1 && (field.ClrType == typeof(int) || field.ClrType == typeof(long)))
            {
                rows.AddRange((field.ClrType == typeof(int)
                    ? await Lists<int>(group, field, v => v) : await Lists<long>(group, field, v => v))
                        .Select(ids => ((string?)null, (long[]?)ids)));
            }
            else throw new StudyException($"column '{name}' holds {field.ClrType.Name}", path, "give texts, or lists of int32 or int64");
        }
        return rows;
    }

    /// <summary>Repetition level 0 begins a row; a definition level below the highest is a list without an item.</summary>
    private static async Task<List<long[]>> Lists<T>(ParquetRowGroupReader group, DataField field, Func<T, long> convert) where T : struct
    {
        var count = (int)(group.GetMetadata(field)?.MetaData?.NumValues ?? 0);
        var (values, repetitions, definitions) = (new T[count], new int[count], new int[count]);
        await group.ReadRawAsync<T>(field, values, definitions, repetitions);
        var rows = new List<long[]>();
        var row = new List<long>();
        var at = 0;
        for (var i = 0; i < repetitions.Length; i++)
        {
            if (i > 0 && repetitions[i] == 0)
            {
                rows.Add([.. row]);
                row.Clear();
            }
            if (definitions[i] == field.MaxDefinitionLevel) row.Add(convert(values[at++]));
        }
        if (repetitions.Length > 0) rows.Add([.. row]);
        return rows;
    }
}
