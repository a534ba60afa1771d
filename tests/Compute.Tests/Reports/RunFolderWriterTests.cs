using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using InterpActors.Compute.Reports;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Tests.Reports;

public sealed class RunFolderWriterTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("run-folder-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Writes_every_file_of_the_contract_and_nothing_else()
    {
        RunFolderWriter.Write(SampleStudies.Patching(2, 2), _folder);
        Assert.Equal(["manifest.json", "report.html", "results.csv", "results.parquet", "summary.json"], Files());
    }

    [Fact]
    public async Task Results_of_a_study_without_cells_are_its_own_table()
    {
        RunFolderWriter.Write(SampleStudies.Table(), _folder);
        Assert.Equal("unit,metric,value,n\nk16,explained_variance,0.87,4096\nk32,explained_variance,0.93,4096\nk32,dead,,4096\n",
            Encoding.UTF8.GetString(Bytes("results.csv")));
        await using var reader = await Parquet.ParquetReader.CreateAsync(Path.Combine(_folder, "results.parquet"));
        Assert.Equal([typeof(ReadOnlyMemory<char>), typeof(ReadOnlyMemory<char>), typeof(double), typeof(long)],
            reader.Schema.DataFields.Select(f => f.ClrType));
        Assert.Null(Json("summary.json")["baselines"]);
        Assert.Null(Json("manifest.json")["model"]);
    }

    [Fact]
    public void Results_do_not_depend_on_the_history()
    {
        var result = SampleStudies.Patching(3, 2);
        RunFolderWriter.Write(result, _folder);
        var (csv, parquet) = (Bytes("results.csv"), Bytes("results.parquet"));
        RunFolderWriter.Write(result with { History = SampleStudies.Troubled().History }, _folder);
        Assert.Equal(csv, Bytes("results.csv"));
        Assert.Equal(parquet, Bytes("results.parquet"));
    }

    [Fact]
    public void Summary_has_the_contracts_keys()
    {
        RunFolderWriter.Write(SampleStudies.Troubled(), _folder);
        var summary = Json("summary.json");
        Assert.Matches("^ioi-patching-[0-9a-f]{12}$", (string?)summary["study"]);
        Assert.Equal("completed-with-errors", (string?)summary["state"]);
        Assert.Equal("""{"planned":24,"committed":21,"failed":3}""", summary["units"]!.ToJsonString());
        Assert.Equal(3, summary["processes"]!.AsArray().Count);
        Assert.Null(summary["processes"]![0]!["ended"]);
        Assert.Equal("2025-03-04T10:05:00.000Z", (string?)summary["processes"]![1]!["ended"]);
        Assert.Equal(9, (int)summary["processes"]![0]!["units_computed"]!);
        Assert.Equal(8, (int)summary["processes"]![0]!["units_committed"]!);
        Assert.Equal("logit-difference", (string?)summary["baselines"]!["metric"]);
        Assert.Equal(8, (int)summary["baselines"]!["n"]!);
        Assert.Equal([8.9, 9.7], summary["baselines"]!["clean"]!["ci95"]!.AsArray().Select(v => (double)v!));
        Assert.Equal(-8.9, (double)summary["baselines"]!["corrupted"]!["mean"]!);
        Assert.Equal(10, summary["top_cells"]!.AsArray().Count);
        Assert.Equal(2, summary["warnings"]!.AsArray().Count);
        Assert.StartsWith("mlp_out in layer 4 has no score", (string?)summary["score_notes"]![0]);
        Assert.Equal("resid_pre layer 3", (string?)summary["failures"]![0]!["label"]);
        Assert.Equal(3, (int)summary["failures"]![0]!["attempts"]!);
        Assert.Equal(JsonValueKind.Number, summary["seconds"]!.GetValueKind());
        Assert.Equal("p8", (string?)summary["dropped_prompts"]![0]!["id"]);
    }

    [Fact]
    public void Seconds_add_up_the_processes_that_ended()
    {
        RunFolderWriter.Write(SampleStudies.Patching(2, 2), _folder);
        Assert.Equal(41.25, (double)Json("summary.json")["seconds"]!);
    }

    [Theory]
    [InlineData(RunState.Running, "running")]
    [InlineData(RunState.Paused, "paused")]
    [InlineData(RunState.Cancelled, "cancelled")]
    [InlineData(RunState.Completed, "completed")]
    public void States_are_the_contracts_words(RunState state, string word) => Assert.Equal(word, SummaryJson.Word(state));

    [Fact]
    public void Top_cells_are_the_strongest_in_order()
    {
        var result = SampleStudies.Patching(4, 4);
        RunFolderWriter.Write(result, _folder);
        var scores = Json("summary.json")["top_cells"]!.AsArray().Select(c => Math.Abs((double)c!["score"]!)).ToArray();
        Assert.Equal(result.Rows.Select(r => Math.Abs(r.Score!.Value)).OrderDescending().Take(10), scores);
    }

    [Fact]
    public void Manifest_says_how_to_get_the_numbers_again()
    {
        var result = SampleStudies.Patching(2, 2);
        RunFolderWriter.Write(result, _folder);
        var manifest = Json("manifest.json");
        Assert.Equal(JsonNode.Parse(result.Plan.Study.Canonical)!.ToJsonString(), manifest["study"]!.ToJsonString());
        Assert.Equal(result.Plan.Study.Source, (string?)manifest["source"]);
        Assert.Equal(7, (int)manifest["seeds"]!["study"]!);
        Assert.Equal(result.Model!.Sha256, (string?)manifest["model"]!["sha256"]);
        Assert.Equal(("fp32", 1, "onednn"), ((string?)manifest["dtype"], (int)manifest["threads"]!, (string?)manifest["matmul"]));
        Assert.NotEmpty((string)manifest["code"]!["version"]!);
        Assert.Equal(Environment.ProcessorCount, (int)manifest["hardware"]!["cores"]!);
        Assert.Equal("8 prompts a forward", (string?)manifest["method"]!["batch_composition"]);
        Assert.Equal(Hash(Bytes("results.csv")), (string?)manifest["files"]!["results.csv"]);
    }

    [Fact]
    public void Numbers_that_json_lacks_become_null()
    {
        var result = SampleStudies.Patching(2, 2);
        result = result with
        {
            Baselines = result.Baselines! with { Clean = new MeanInterval(1, double.NaN, double.PositiveInfinity) },
            Rows = [.. result.Rows.Select(r => r with { Patched = double.NaN })],
        };
        RunFolderWriter.Write(result, _folder);
        Assert.Equal([null, null], Json("summary.json")["baselines"]!["clean"]!["ci95"]!.AsArray());
        Assert.Null(Json("summary.json")["top_cells"]![0]!["patched"]);
    }

    [Fact]
    public void Artefacts_lie_under_their_hash_and_are_named_in_the_summary()
    {
        var content = Encoding.UTF8.GetBytes("{\"graph\":1}");
        var result = SampleStudies.Patching(2, 2) with { Artifacts = [new ExtraArtifact("graph.json", content)] };
        RunFolderWriter.Write(result, _folder);
        RunFolderWriter.Write(result, _folder);
        var hash = Hash(content);
        Assert.Equal(hash, (string?)Json("summary.json")["artifacts"]!["graph.json"]);
        Assert.Equal(hash, (string?)Json("manifest.json")["artifacts"]!["graph.json"]);
        Assert.Equal(content, File.ReadAllBytes(Path.Combine(_folder, "artifacts", hash)));
        Assert.Single(Directory.GetFiles(Path.Combine(_folder, "artifacts")));
    }

    [Fact]
    public void Extra_tables_are_csv()
    {
        var table = new ExtraTable("by-prompt.csv", ["prompt", "focus", "top", "k"], [["p0", 0.6, "0.0 0.3", 5], ["p,1", 1.0, null, 4L]]);
        RunFolderWriter.Write(SampleStudies.Patching(2, 2) with { Tables = [table] }, _folder);
        Assert.Equal("prompt,focus,top,k\np0,0.6,0.0 0.3,5\n\"p,1\",1.0,,4\n", Encoding.UTF8.GetString(Bytes("by-prompt.csv")));
    }

    [Fact]
    public void Leftovers_of_a_killed_process_are_cleaned_and_other_files_are_left_alone()
    {
        File.WriteAllText(Path.Combine(_folder, ".results.csv.partial"), "half a li");
        File.WriteAllText(Path.Combine(_folder, "notes.partial"), "mine");
        File.WriteAllText(Path.Combine(_folder, "journal.db"), "journal");
        RunFolderWriter.Write(SampleStudies.Patching(2, 2), _folder);
        Assert.Equal(
            ["journal.db", "manifest.json", "notes.partial", "report.html", "results.csv", "results.parquet", "summary.json"], Files());
    }

    [Fact]
    public async Task Several_may_write_one_file_at_a_time()
    {
        var path = Path.Combine(_folder, "same");
        using var together = new Barrier(4);
        var writers = Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(() => RunFile.Write(path, stream =>
        {
            together.SignalAndWait();
            stream.Write("whole"u8);
        }), TaskCreationOptions.LongRunning));
        await Task.WhenAll(writers);
        Assert.Equal("whole", await File.ReadAllTextAsync(path));
        Assert.Equal(["same"], Files());
    }

    private string[] Files() => [.. Directory.GetFiles(_folder).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    private byte[] Bytes(string name) => File.ReadAllBytes(Path.Combine(_folder, name));

    private JsonNode Json(string name) => JsonNode.Parse(Bytes(name))!;

    private static string Hash(byte[] bytes) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes));
}
