using InterpActors.Compute.Reports;

namespace InterpActors.Compute.Tests.Reports;

public sealed class RunFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("run-file-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_disk_that_fills_up_leaves_the_old_file_and_no_half_one()
    {
        var path = Path.Combine(_folder, "results.csv");
        File.WriteAllText(path, "old");
        var error = Assert.Throws<IOException>(() => RunFile.Write(path, s =>
        {
            s.Write(new byte[200_000]);
            throw new IOException("No space left on device");
        }));
        Assert.Contains(path, error.Message);
        Assert.Contains("No space left on device", error.Message);
        Assert.DoesNotContain('\n', error.Message);
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(_folder));
    }

    [Fact]
    public void A_failing_writer_leaves_the_old_file_and_its_own_exception()
    {
        var path = Path.Combine(_folder, "results.csv");
        File.WriteAllText(path, "old");
        Assert.Throws<InvalidOperationException>(() => RunFile.Write(path, _ => throw new InvalidOperationException("a bug")));
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(_folder));
    }

    [Fact]
    public void Until_the_content_is_whole_readers_see_the_old_file()
    {
        var path = Path.Combine(_folder, "summary.json");
        RunFile.Write(path, s => s.Write("old"u8));
        RunFile.Write(path, s =>
        {
            s.Write("new"u8);
            s.Flush();
            Assert.Equal("old", File.ReadAllText(path));
        });
        Assert.Equal("new", File.ReadAllText(path));
    }

    [Fact]
    public void A_place_where_nothing_can_be_written_is_one_clear_line()
    {
        var file = Path.Combine(_folder, "not-a-folder");
        File.WriteAllText(file, "");
        var error = Assert.Throws<IOException>(() => RunFile.Write(Path.Combine(file, "results.csv"), s => s.Write("x"u8)));
        Assert.Contains("results.csv: cannot be written", error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }
}
