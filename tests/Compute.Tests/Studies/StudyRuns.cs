using InterpActors.Compute.Reports;
using InterpActors.Compute.Studies;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Compute.Tests.Studies;

/// <summary>Runs studies in memory: compile, plan, compute every unit, reduce.</summary>
internal static class StudyRuns
{
    /// <summary>Compiles a study file of the test data.</summary>
    public static Study Compile(string relative, IReadOnlyList<IStudyKind>? kinds = null)
    {
        var path = TestData.Path(relative);
        return CompileText(File.ReadAllText(path), Path.GetDirectoryName(path)!, kinds);
    }

    /// <summary>Compiles and verifies, as a run does before it writes anything.</summary>
    public static Study CompileText(string text, string folder, IReadOnlyList<IStudyKind>? kinds = null)
    {
        kinds ??= StudyKinds.All;
        var study = StudyCompiler.Compile(StudyFile.Parse(text, "test.conf"), text, folder, 1, kinds);
        using var engine = new StudyEngine(kinds);
        engine.Verify(study);
        return study;
    }

    public static byte[][] Payloads(StudyEngine engine, IStudyPlan plan) =>
        [.. Ordinals(plan).Select(o => engine.Run(plan.Study, plan[o], Context).Payload)];

    public static IEnumerable<long> Ordinals(IStudyPlan plan)
    {
        for (long o = 0; o < plan.UnitCount; o++) yield return o;
    }

    public static UnitContext Context { get; } = new("cpu", _ => { }, CancellationToken.None);

    public static StudyReduction Reduce(StudyEngine engine, IStudyPlan plan, IReadOnlyList<byte[]?> payloads) =>
        engine.Reduce(new Reduction(plan, o => payloads[(int)o],
            new RunHistory(RunState.Completed, plan.UnitCount, plan.UnitCount, [], [])));

    public static StudyResult Run(Study study, IReadOnlyList<IStudyKind>? kinds = null)
    {
        using var engine = new StudyEngine(kinds ?? StudyKinds.All);
        var plan = engine.Plan(study);
        return Reduce(engine, plan, Payloads(engine, plan)).Result;
    }

    public static string Csv(StudyResult result)
    {
        using var stream = new MemoryStream();
        ResultsTable.WriteCsv(result.Rows, stream);
        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }
}
