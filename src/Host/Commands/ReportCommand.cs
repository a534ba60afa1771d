using System.CommandLine;
using InterpActors.Compute.Studies;
using InterpActors.Host.Runs;
using InterpActors.Messages.Work;

namespace InterpActors.Host.Commands;

/// <summary>
/// <c>interp report DIR --out DIR</c>: writes a local run's outputs from its journal to another folder, also of a run that is not over.
/// </summary>
internal static class ReportCommand
{
    public static Command Create()
    {
        var folder = new Argument<string>("folder") { HelpName = "DIR", Description = "A run folder" };
        var target = new Option<string>("--out") { HelpName = "DIR", Required = true, Description = "Where the outputs go" };
        var command = new Command("report", "Writes a run's outputs from its journal, as far as the run is") { folder, target };
        command.SetAction(parsed =>
        {
            using var run = LocalRun.Open(parsed.GetValue(folder)!);
            RunFolder.Check(parsed.GetValue(target)!);
            using var engine = new StudyEngine();
            var plan = engine.Plan(run.Study);
            Directory.CreateDirectory(parsed.GetValue(target)!);
            var outcome = engine.Reduce(new Reduction(plan, run.Payload, run.History), parsed.GetValue(target)!);
            var output = parsed.InvocationConfiguration.Output;
            output.WriteLine(outcome.Sentence);
            output.WriteLine(Path.Combine(parsed.GetValue(target)!, "report.html"));
            return ExitCode.Done;
        });
        return command;
    }
}
