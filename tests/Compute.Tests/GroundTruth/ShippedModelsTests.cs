using InterpActors.Compute.GroundTruth;

namespace InterpActors.Compute.Tests.GroundTruth;

public sealed class ShippedModelsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ground-truth-").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    /// <summary>To rebuild the committed folders after a change: INTERP_WRITE_MODELS=1 dotnet test --filter ShippedModels.</summary>
    [Theory]
    [InlineData("gt-ind")]
    [InlineData("gt-ioi")]
    [InlineData("gt-ioi-b")]
    public void TheCommittedFolderIsWhatTheBuilderWrites(string name)
    {
        var committed = Path.Combine(Repository(), "models", name);
        if (Environment.GetEnvironmentVariable("INTERP_WRITE_MODELS") == "1") GroundTruthModels.Write(name, committed);
        GroundTruthModels.Write(name, _folder);
        Assert.Equal(Names(_folder), Names(committed));
        foreach (var file in Names(_folder)) Assert.Equal(File.ReadAllBytes(Path.Combine(_folder, file)), File.ReadAllBytes(Path.Combine(committed, file)));
    }

    private static string[] Names(string folder) => [.. Directory.GetFiles(folder).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    private static string Repository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "InterpActors.sln"))) folder = folder.Parent;
        return folder.FullName;
    }
}
