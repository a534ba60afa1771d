using System.CommandLine;
using InterpActors.Compute.Studies;
using InterpActors.Host.Display;
using InterpActors.Host.Remote;
using InterpActors.Host.Runs;
using InterpActors.Messages.Work;

namespace InterpActors.Host.Commands;

/// <summary>
/// <c>interp report DIR --out DIR</c>: writes a local run's outputs from its journal to another folder, also of a run that is not over.
/// <c>interp report ID --out DIR</c>: fetches the run folder of a cluster's study that is over, as <c>interp run</c> writes it.
/// </summary>
internal static class ReportCommand
{
    public static Command Create()
    {
        var run = SharedOptions.Run();
        var cluster = SharedOptions.Cluster();
        var target = new Option<string>("--out") { HelpName = "DIR", Required = true, Description = "Where the outputs go" };
        var command = new Command("report",
            "Writes a run's outputs to a folder: a local run's from its journal, or those of a study of a cluster")
        {
            run, cluster, target,
        };
        command.SetAction(async parsed =>
        {
            var (name, url, output) = (parsed.GetValue(run)!, parsed.GetValue(cluster), parsed.InvocationConfiguration.Output);
            if (!SharedOptions.IsOfCluster(name, url)) return Local(name, parsed.GetValue(target)!, output);
            var id = SharedOptions.ParseStudyId(name);
            using var client = new ClusterClient(url);
            return await new RemoteReport(client, Displays.For(output, quiet: false)).FetchAsync(id, parsed.GetValue(target)!);
        });
        return command;
    }

    private static int Local(string folder, string target, TextWriter output)
    {
        using var run = LocalRun.Open(folder);
        RunFolder.Check(target);
        using var engine = new StudyEngine();
        var plan = engine.Plan(run.Study);
        Directory.CreateDirectory(target);
        var outcome = engine.Reduce(new Reduction(plan, run.Payload, run.History) { Source = folder }, target);
        output.WriteLine(outcome.Sentence);
        output.WriteLine(Path.Combine(target, "report.html"));
        return ExitCode.Done;
    }
}
