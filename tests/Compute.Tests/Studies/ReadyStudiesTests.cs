using InterpActors.Compute.Studies;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Compute.Tests.Studies;

/// <summary>The studies that ship.</summary>
public sealed class ReadyStudiesTests
{
    public static TheoryData<string> All =>
        [.. Directory.EnumerateFiles(Path.Combine(Root(), "studies"), "*.conf").Select(f => Path.GetFileName(f)!).Order()];

    [Theory]
    [MemberData(nameof(All))]
    public void Every_one_can_be_run_as_it_stands(string file)
    {
        var study = Compile(file);
        using var engine = new StudyEngine();
        Assert.True(engine.Plan(study).UnitCount > 0);
        Assert.Equal(study.Canonical, StudyRuns.CompileText(study.Canonical, Path.Combine(Root(), "studies")).Canonical);
    }

    [Fact]
    public void Block_training_costs_special_tokens_dearly_after_a_tenth_of_the_steps_too()
    {
        var folder = Directory.CreateTempSubdirectory("ready-").FullName;
        try
        {
            var study = Compile("fast-arms.conf", ("steps = 3000", "steps = 300"), ("lr_decay_steps = 600", "lr_decay_steps = 60"),
                ("seed = [0, 1]", "seed = [0]"));
            using var engine = new StudyEngine();
            var plan = engine.Plan(study);
            var context = new UnitContext("cpu", _ => { }, CancellationToken.None) { Folder = folder };
            var payloads = StudyRuns.Ordinals(plan).Select(o => engine.Run(study, plan[o], context).Payload).ToArray();
            var result = StudyRuns.Reduce(engine, plan, payloads);
            Assert.Equal("good", result.Result.Trust.Single(t => t.Name == "order: eval mse special").State);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Study Compile(string file, params (string From, string To)[] changes)
    {
        var path = Path.Combine(Root(), "studies", file);
        var text = changes.Aggregate(File.ReadAllText(path), (whole, change) =>
        {
            Assert.Contains(change.From, whole);
            return whole.Replace(change.From, change.To, StringComparison.Ordinal);
        });
        return StudyRuns.CompileText(text, Path.GetDirectoryName(path)!);
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "InterpActors.sln"))) folder = folder.Parent!;
        return folder.FullName;
    }
}
