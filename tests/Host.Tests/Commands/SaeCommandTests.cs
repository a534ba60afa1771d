using System.Text.Json.Nodes;
using InterpActors.Host.Commands;

namespace InterpActors.Host.Tests.Commands;

public sealed class SaeCommandTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("sae-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task Inspect_tells_what_a_folder_holds_and_what_reading_changed()
    {
        var outcome = await Interp.Here("sae", "inspect", Sae("pre6-topk"), "--json");
        Assert.Equal(ExitCode.Done, outcome.Code);
        var json = JsonNode.Parse(outcome.Output)!;
        Assert.Equal(("topk", "SAELens before 6", 24, 96, 8), ((string)json["architecture"]!, (string)json["layout"]!, (int)json["d_in"]!,
            (int)json["d_sae"]!, (int)json["k"]!));
        Assert.Contains("activation_fn topk became", json["converted"]!.ToJsonString(), StringComparison.Ordinal);
        Assert.True((double)json["decoder_norms"]!["min"]! > 0);
        Assert.Contains("thresholds", (await Interp.Here("sae", "inspect", Sae("jumprelu"))).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_convert_writes_is_read_again_and_encodes()
    {
        var (folder, codes) = (Path.Combine(_root, "converted"), Path.Combine(_root, "codes.safetensors"));
        Assert.Equal(ExitCode.Done, (await Interp.Here("sae", "convert", Sae("sparsify-layers.5"), "--out", folder)).Code);
        Assert.Equal(ExitCode.Done, (await Interp.Here(
            "sae", "encode", folder, "--in", Path.Combine(Sae("sparsify-layers.5"), "io.safetensors"),
            "--tensor", "x", "--out", codes)).Code);
        Assert.True(File.Exists(codes));
        var again = await Interp.Here("sae", "convert", Sae("gated"), "--out", folder);
        Assert.Equal(ExitCode.WrongInput, again.Code);
        Assert.Contains("not empty", again.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nowhere", "no such folder")]
    [InlineData(".", "neither cfg.json nor config.json")]
    public async Task A_folder_that_is_no_SAE_is_refused_in_one_line(string folder, string message)
    {
        var outcome = await Interp.Here("sae", "encode", Path.Combine(_root, folder), "--in", "x", "--out", Path.Combine(_root, "y"));
        Assert.Equal(ExitCode.WrongInput, outcome.Code);
        Assert.Contains(message, Assert.Single(outcome.Error.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_root));
    }

    private static string Sae(string name) => Path.Combine(Interp.Root, "tests", "Compute.Tests", "Data", "dictionaries", name);
}
