using System.Globalization;
using System.Text;
using InterpActors.Compute.Reports;
using Parquet;

namespace InterpActors.Compute.Tests.Reports;

public class ResultsTableTests
{
    private static readonly CellRow Full = new(
        "blocks.0.attn.hook_z", 0, 3, 7, null, "denoising", "clean", "logit-difference", 32,
        9.694219281894394, -9.439570030874233, 0.0, -0.0, 7.469038264014836e-05, 1e22, null);

    private static readonly CellRow Sparse = new(
        "blocks.1.hook_resid_pre", 1, null, null, "a \"b\", c", null, "zero", "accuracy", 1, 1.0, null, null, null, null, double.NaN, null);

    [Fact]
    public void Csv_bytes_are_the_contracts()
    {
        var expected =
            "hook,layer,head,position,role,direction,value,metric,n,clean,corrupted,patched,effect,effect_se,score\n" +
            "blocks.0.attn.hook_z,0,3,7,,denoising,clean,logit-difference,32," +
            "9.694219281894394,-9.439570030874233,0.0,-0.0,7.469038264014836e-05,1e+22\n" +
            "blocks.1.hook_resid_pre,1,,,\"a \"\"b\"\", c\",,zero,accuracy,1,1.0,,,,,NaN\n";
        Assert.Equal(expected, Csv([Full, Sparse]));
    }

    [Fact]
    public void Csv_is_the_same_in_any_culture()
    {
        var before = CultureInfo.CurrentCulture;
        var german = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        german.NumberFormat.NumberDecimalSeparator = ",";
        german.NumberFormat.NegativeSign = "~";
        try
        {
            CultureInfo.CurrentCulture = german;
            Assert.Contains(",-9.439570030874233,", Csv([Full]));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Theory]
    [InlineData(0.1)]
    [InlineData(1.0 / 3)]
    [InlineData(5e-324)]
    [InlineData(double.MaxValue)]
    [InlineData(123456789012345680.0)]
    [InlineData(-1.249000902703301e-16)]
    public void Numbers_read_back_exactly_and_are_never_taken_for_integers(double value)
    {
        var text = Csv([Full with { Score = value }]).TrimEnd('\n').Split(',')[^1];
        Assert.Equal(value, double.Parse(text, CultureInfo.InvariantCulture));
        Assert.Matches("[.e]", text);
    }

    [Fact]
    public async Task Parquet_gives_back_every_value()
    {
        var rows = Enumerable.Range(0, 1000).Select(i => i % 3 == 0 ? Sparse : Full with { Layer = i, Score = i / 7.0 }).ToArray();
        using var stream = new MemoryStream();
        await ResultsTable.WriteParquetAsync(rows, stream);
        stream.Position = 0;
        await using var reader = await ParquetReader.CreateAsync(stream);
        Assert.Equal(ResultsTable.Columns, reader.Schema.Fields.Select(f => f.Name));
        using var group = reader.OpenRowGroupReader(0);
        var fields = reader.Schema.GetDataFields().ToDictionary(f => f.Name);

        async Task<double?[]> Numbers(string name)
        {
            var values = new double?[rows.Length];
            await group.ReadAsync<double>(fields[name], values.AsMemory());
            return values;
        }

        async Task<int?[]> Integers(string name)
        {
            var values = new int?[rows.Length];
            await group.ReadAsync<int>(fields[name], values.AsMemory());
            return values;
        }

        async Task<string?[]> Texts(string name)
        {
            var values = new string?[rows.Length];
            await group.ReadAsync(fields[name], values.AsMemory()!);
            return values;
        }

        Assert.Equal(rows.Select(r => r.Score), await Numbers("score"));
        Assert.Equal(rows.Select(r => r.Corrupted), await Numbers("corrupted"));
        Assert.Equal(rows.Select(r => r.EffectSe), await Numbers("effect_se"));
        Assert.Equal(rows.Select(r => r.Layer), await Integers("layer"));
        Assert.Equal(rows.Select(r => r.Head), await Integers("head"));
        Assert.Equal(rows.Select(r => r.Hook), await Texts("hook"));
        Assert.Equal(rows.Select(r => r.Role), await Texts("role"));
        Assert.Equal(rows.Select(r => r.Direction), await Texts("direction"));
        var n = new int[rows.Length];
        await group.ReadAsync<int>(fields["n"], n.AsMemory());
        Assert.Equal(rows.Select(r => r.N), n);
    }

    [Fact]
    public async Task Parquet_bytes_depend_on_the_rows_alone()
    {
        async Task<byte[]> Bytes()
        {
            using var stream = new MemoryStream();
            await ResultsTable.WriteParquetAsync([Full, Sparse], stream);
            return stream.ToArray();
        }

        var first = await Bytes();
        await Task.Delay(1100);
        Assert.Equal(first, await Bytes());
    }

    [Fact]
    public async Task A_study_without_cells_gives_tables_with_columns_only()
    {
        Assert.Equal(string.Join(',', ResultsTable.Columns) + "\n", Csv([]));
        using var stream = new MemoryStream();
        await ResultsTable.WriteParquetAsync([], stream);
        stream.Position = 0;
        await using var reader = await ParquetReader.CreateAsync(stream);
        Assert.Equal(ResultsTable.Columns.Count, reader.Schema.Fields.Count);
    }

    private static string Csv(IReadOnlyList<CellRow> rows)
    {
        using var stream = new MemoryStream();
        ResultsTable.WriteCsv(rows, stream);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
