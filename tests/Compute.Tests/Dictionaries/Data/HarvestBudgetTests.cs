using InterpActors.Compute.Studies;
using InterpActors.Compute.Tests.Studies;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Compute.Tests.Dictionaries.Data;

/// <summary>Activations that do not fit into what they may take of the disk.</summary>
public sealed class HarvestBudgetTests : IDisposable
{
    private readonly DataFolder _folder = new();
    private readonly List<string> _warnings = [];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_small_budget_costs_time_and_no_bit_and_is_kept_and_told()
    {
        var random = new Random(2);
        File.WriteAllLines(_folder.At("tokens.jsonl"), Enumerable.Range(0, 1600).Select(_ =>
            $"{{\"tokens\":[{string.Join(',', Enumerable.Range(0, 32).Select(_ => random.Next(1, 20)))}]}}"));
        var study = StudyRuns.CompileText($$"""
            study { name = t, seed = 1
              model { path = "{{TestData.Path("evaluation/tiny/model")}}" }
              method { kind = sae-training, architecture = topk, k = 2, d_sae = 12, batch = 2048, steps = 40
                data { kind = model, hook = blocks.0.hook_resid_post, tokens = tokens.jsonl, buffer = 2 batches } } }
            """, _folder.Root);

        var plenty = Run(study, "plenty", long.MaxValue);
        var shards = Shards("plenty");
        Assert.InRange(shards.Count, 6, 8);
        Assert.Empty(_warnings);
        var budget = shards.Max() * 5 / 2;
        var little = Run(study, "little", budget);

        Assert.Equal(plenty, little);
        Assert.InRange(Shards("little").Sum(), 1, budget);
        Assert.Contains("interp.work.harvest-limit", Assert.Single(_warnings.Distinct()));
    }

    private byte[] Run(Study study, string folder, long limit)
    {
        using var engine = new StudyEngine(StudyKinds.All, ownSessions: true);
        var plan = engine.Plan(study);
        byte[] last = [];
        foreach (var ordinal in StudyRuns.Ordinals(plan))
            last = engine.Run(study, plan[ordinal], new UnitContext("cpu", _ => { }, CancellationToken.None)
            {
                Folder = _folder.At(folder),
                Own = _folder.At($"{folder}/own/{ordinal}"),
                HarvestLimit = limit,
                Warn = _warnings.Add,
            }).Payload;
        return last;
    }

    private List<long> Shards(string folder) =>
        [.. new DirectoryInfo(_folder.At($"{folder}/harvest")).EnumerateFiles("*.safetensors").Select(f => f.Length)];
}
