using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using InterpActors.Compute.Models;
using InterpActors.Compute.Reports;
using InterpActors.Compute.Studies;
using InterpActors.Compute.Tests.Studies;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Compute.Tests.Sweeps;

/// <summary>Maps that fill in show what the report shows.</summary>
public sealed class SweepMapsTests : IDisposable
{
    private static readonly TimeSpan Enough = TimeSpan.FromMinutes(1);
    private readonly string _folder = Directory.CreateTempSubdirectory("maps-").FullName;

    public SweepMapsTests() => File.WriteAllText(Path.Combine(_folder, "pairs.jsonl"),
        """{"clean":[256,84,104,101,32,76,105,99],"corrupt":[256,84,104,97,32,87,111,114],"answers":[101],"wrong":[115]}""");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("patch-mixed-role.conf", "score")]
    [InlineData("patch-denoising-z-position.conf", "score")]
    [InlineData("ablate-zero.conf", "score")]
    public void Whatever_the_order_of_units_the_end_is_the_report(string file, string quantity)
    {
        IStudyKind[] kinds = [new InShards(), .. StudyKinds.All.Where(k => k.Name != "activation-patching")];
        FillsIn(StudyRuns.Compile($"interventions/tr-llama-ioi/{file}", kinds), kinds, quantity);
    }

    [Fact]
    public void Sets_that_write_the_same_components_are_maps_of_their_own()
    {
        var models = ModelLoader.Locate("gt-ioi", AppContext.BaseDirectory).Path;
        var path = Path.GetFullPath(Path.Combine(models, "../../studies/gt-ioi-b-pairs.conf"));
        var study = StudyRuns.CompileText(File.ReadAllText(path), Path.GetDirectoryName(path)!);
        var maps = FillsIn(study, StudyKinds.All, "score");
        Assert.Equal(["z", "z *.0 + z *.1", "z 2.0 + z 3.0", "z 2.0 + z 3.0 + z 3.1", "z 2.0 + z 3.1"],
            maps.Select(m => m.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Doses_are_maps_of_their_own()
    {
        var study = StudyRuns.CompileText($$"""
            study {
              name = doses
              model { path = "{{TestData.Path("evaluation/tiny/model")}}", dtype = fp64 }
              task { kind = pairs, file = pairs.jsonl }
              method { kind = ablation, value = set, by = all
                dictionary { sae = "{{TestData.Path("evaluation/tiny/topk")}}", latents = [3, 17], doses = [0, 7.5, -2] } }
            }
            """, _folder);
        var maps = FillsIn(study, StudyKinds.All, "score");
        Assert.Equal(["0", "7.5", "-2"], maps.Select(m => m.Value));
        Assert.All(maps, m => Assert.Equal([3, 17], m.Heads!));
    }

    /// <summary>Fills the maps in, in some order of units, and finds the report's numbers in them, one for each cell.</summary>
    private static IReadOnlyList<ResultMap> FillsIn(Study study, IReadOnlyList<IStudyKind> kinds, string quantity)
    {
        using var engine = new StudyEngine(kinds, ownSessions: true);
        var plan = engine.Plan(study);
        var payloads = StudyRuns.Payloads(engine, plan);
        var report = Report(StudyRuns.Reduce(engine, plan, payloads).Result);
        var maps = engine.Maps(plan)!;
        var here = new byte[]?[payloads.Length];
        var shown = maps.Maps.Select(m => new float?[m.Layers.Count * Width(m)]).ToArray();
        Assert.Null(maps.Quantity);

        foreach (var ordinal in Enumerable.Range(0, payloads.Length).OrderBy(o => o * 7919 % 104729))
        {
            here[ordinal] = payloads[ordinal];
            var changes = maps.Update(o => here[o], Enough);
            Assert.True(changes.CaughtUp);
            foreach (var row in changes.Rows) row.Values.ToArray().CopyTo(shown[row.Map], row.Layer * Width(maps.Maps[row.Map]));
            // What is there already is final.
            for (var m = 0; m < shown.Length; m++)
                Assert.All(shown[m].Zip(report[m].Values), p => Assert.True(p.First is null || p.First == p.Second));
        }

        Assert.Equal(quantity, maps.Quantity);
        for (var m = 0; m < shown.Length; m++)
        {
            Assert.Equal(report[m].Values, shown[m]);
            Assert.Equal(report[m].Map["name"]!.GetValue<string>(), maps.Maps[m].Name);
            Assert.Equal(report[m].Map["value"]!.GetValue<string>(), maps.Maps[m].Value);
            Assert.Equal(report[m].Map["layers"]!.ToJsonString(), JsonValue.Create(maps.Maps[m].Layers)!.ToJsonString());
            Assert.Equal(report[m].Map["heads"]?.ToJsonString(), maps.Maps[m].Heads is { } h ? JsonValue.Create(h)!.ToJsonString() : null);
            var tokens = report[m].Map["slots"]!.AsArray().Select(s => s!["token"]?.GetValue<string>());
            Assert.Equal(tokens, maps.Maps[m].Slots.Select(s => s.Token));
        }
        Assert.Equal(plan.CellCount, shown.Sum(values => values.Count(v => v is not null)));
        Assert.Empty(maps.Update(o => here[o], Enough).Rows);
        return maps.Maps;
    }

    [Fact]
    public void Nothing_is_read_twice_and_a_budget_leaves_the_rest_for_later()
    {
        var study = StudyRuns.Compile("interventions/tr-gpt2-ioi/patch-kl-heads.conf");
        using var engine = new StudyEngine();
        var plan = engine.Plan(study);
        var payloads = StudyRuns.Payloads(engine, plan);
        var reads = new int[payloads.Length];
        byte[]? Read(long ordinal)
        {
            reads[ordinal]++;
            return payloads[ordinal];
        }
        var maps = engine.Maps(plan)!;

        var first = maps.Update(Read, TimeSpan.Zero);
        var cells = maps.Maps.Sum(m => m.Layers.Count * Width(m));
        Assert.False(first.CaughtUp);
        Assert.True(first.Rows.Sum(r => r.Values.Count) < cells);
        Assert.True(maps.Update(Read, Enough).CaughtUp);
        Assert.Empty(maps.Update(Read, Enough).Rows);
        Assert.All(reads[(int)plan.Layers[0].Count..], r => Assert.Equal(1, r));
    }

    private static int Width(ResultMap map) => (map.Heads?.Count ?? 1) * map.Slots.Count;

    /// <summary>The report's maps with their scores.</summary>
    private static (JsonNode Map, float?[] Values)[] Report(StudyResult result)
    {
        var grid = ReportMaps.Build(result);
        var planes = MemoryMarshal.Cast<byte, float>(Convert.FromBase64String(grid["values"]!.GetValue<string>())).ToArray();
        var size = grid["cells"]!.GetValue<int>();
        return [.. grid["maps"]!.AsArray().Select(m =>
        {
            var count = m!["layers"]!.AsArray().Count * (m["heads"]?.AsArray().Count ?? 1) * m["slots"]!.AsArray().Count;
            var scores = planes.AsSpan(3 * size + m["offset"]!.GetValue<int>(), count).ToArray();
            return (m, scores.Select(v => float.IsNaN(v) ? (float?)null : v).ToArray());
        })];
    }
}
