using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using InterpActors.Compute.Studies;
using InterpActors.Host.Display;
using InterpActors.Host.Runs;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Host.Commands;

/// <summary><c>interp plan STUDY.conf</c>: what a run would take; runs nothing and writes nothing.</summary>
internal static class PlanCommand
{
    /// <summary>Floating-point operations a second that one thread of a current core does in fp32 products; fp64 does half.</summary>
    private const double FlopsPerThread = 4e10;

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static Command Create()
    {
        var study = SharedOptions.Study();
        var set = SharedOptions.Set();
        var workers = SharedOptions.Positive("--workers", PhysicalCores.Count, "Workers the estimate is for");
        var threads = SharedOptions.Threads("per worker");
        var json = SharedOptions.Json("Prints one JSON object");
        var command = new Command("plan", "Says what a run would take; runs nothing") { study, set, workers, threads, json };
        command.SetAction(parsed =>
        {
            var file = SharedOptions.Load(parsed, study, set);
            var compiled = StudyCompiler.Compile(file.Root, file.Source, file.Folder, parsed.GetValue(threads));
            using var engine = new StudyEngine();
            var plan = engine.Plan(compiled);
            var seconds = Seconds(plan, compiled, parsed.GetValue(workers) * parsed.GetValue(threads));
            var output = parsed.InvocationConfiguration.Output;
            if (parsed.GetValue(json)) output.WriteLine(Json(plan, compiled, seconds).ToJsonString(Indented));
            else Print(plan, compiled, seconds, output);
            return ExitCode.Done;
        });
        return command;
    }

    private static double Seconds(IStudyPlan plan, Study study, int threads) =>
        plan.Estimate.Flops / (FlopsPerThread * Math.Min(threads, Environment.ProcessorCount))
        * (study.Canonical.Contains("\"fp64\"", StringComparison.Ordinal) ? 2 : 1);

    private static void Print(IStudyPlan plan, Study study, double seconds, TextWriter output)
    {
        output.WriteLine($"{study.Name} · {plan.Headline}");
        output.WriteLine($"id        {study.Id}");
        output.WriteLine($"units     {ProgressText.Count(plan.UnitCount)}");
        output.WriteLine($"cells     {ProgressText.Count(plan.CellCount)}  "
            + $"({string.Join(", ", plan.Tracks.Select(t => $"{t.Name} {ProgressText.Count(t.Cells)}"))})");
        output.WriteLine($"forwards  {ProgressText.Count((long)Math.Round(plan.Estimate.Forwards))} full passes in a plain loop");
        output.WriteLine($"memory    {ByteSize.Words(plan.Estimate.MemoryBytes)}");
        output.WriteLine($"artefacts {ByteSize.Words(plan.Estimate.ArtifactBytes)}");
        output.WriteLine($"time      about {ProgressText.Took(TimeSpan.FromSeconds(Math.Min(seconds, 1e9)))} "
            + "(a guess from the number of operations)");
    }

    private static JsonObject Json(IStudyPlan plan, Study study, double seconds) => new()
    {
        ["study"] = study.Id.Value,
        ["name"] = study.Name,
        ["kind"] = study.Kind,
        ["headline"] = plan.Headline,
        ["units"] = plan.UnitCount,
        ["cells"] = plan.CellCount,
        ["tracks"] = new JsonArray([.. plan.Tracks.Select(t =>
            (JsonNode)new JsonObject { ["name"] = t.Name, ["units"] = t.Units, ["cells"] = t.Cells })]),
        ["forwards"] = plan.Estimate.Forwards,
        ["flops"] = plan.Estimate.Flops,
        ["memory_bytes"] = plan.Estimate.MemoryBytes,
        ["artifact_bytes"] = plan.Estimate.ArtifactBytes,
        ["seconds"] = seconds,
    };
}
