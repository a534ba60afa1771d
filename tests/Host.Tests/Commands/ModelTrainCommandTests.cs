using InterpActors.Host.Commands;

namespace InterpActors.Host.Tests.Commands;

public sealed class ModelTrainCommandTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("model-train-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData("tr-ioo", "x", "known: tr-ioi")]
    [InlineData("tr-ioi", ".", "not empty")]
    public async Task Wrong_input_is_refused_in_one_line(string name, string folder, string message)
    {
        await File.WriteAllTextAsync(Path.Combine(_root, "mine"), "");
        var outcome = await Interp.Here("model", "train", name, "--out", Path.Combine(_root, folder));
        Assert.Equal(ExitCode.WrongInput, outcome.Code);
        Assert.Contains(message, Assert.Single(outcome.Error.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
        Assert.Single(Directory.GetFileSystemEntries(_root));
    }

    [Fact]
    public async Task Methods_explains_tasks_too()
    {
        Assert.Contains("induction", (await Interp.Here("methods")).Output, StringComparison.Ordinal);
        Assert.Contains("s2-io-flip", (await Interp.Here("methods", "ioi")).Output, StringComparison.Ordinal);
    }
}
