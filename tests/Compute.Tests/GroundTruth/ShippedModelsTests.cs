using InterpActors.Compute.GroundTruth;
using InterpActors.Compute.Models;
using InterpActors.Compute.Text;
using static TorchSharp.torch;

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
        foreach (var file in Names(_folder))
            Assert.Equal(File.ReadAllBytes(Path.Combine(_folder, file)), File.ReadAllBytes(Path.Combine(committed, file)));
    }

    [Theory]
    [InlineData("gt-ind", "a c b")]
    [InlineData("gt-ioi", "f3 K f1 B f0 f4 K f2 END")]
    [InlineData("gt-ioi-b", "f3 K f1 B f0 f4 K f2 END")]
    public void TheLoaderReadsWhatWasBuilt(string name, string prompt)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var location = ModelLoader.Locate(name, AppContext.BaseDirectory);
        using var built = GroundTruthModels.Build(name);
        using var weights = ModelLoader.LoadWeights(location, ScalarType.Float64, WeightProcessing.None);
        var tokens = TokenizerLoader.Load(location)!.Encode(prompt);
        Assert.Equal(["<bos>", .. prompt.Split(' ')], tokens.Select(t => built.Pieces[t]));
        using HookedTransformer expected = new(built.Weights), actual = new(weights);
        Assert.Equal(expected.Forward([tokens]).data<double>().ToArray(), actual.Forward([tokens]).data<double>().ToArray());
    }

    private static string[] Names(string folder) =>
        [.. Directory.GetFiles(folder).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    private static string Repository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "InterpActors.sln"))) folder = folder.Parent;
        return folder.FullName;
    }
}
