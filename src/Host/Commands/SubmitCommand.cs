using System.CommandLine;
using InterpActors.Host.Display;
using InterpActors.Host.Remote;
using InterpActors.Host.Web;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Commands;

/// <summary><c>interp submit STUDY.conf</c>: hands a study and its files to a cluster; prints its id first.</summary>
internal static class SubmitCommand
{
    public static Command Create()
    {
        var study = SharedOptions.Study();
        var cluster = SharedOptions.Cluster();
        var watch = new Option<bool>("--watch") { Description = "Shows its progress until it is over" };
        var folder = new Option<string?>("--out")
        {
            HelpName = "DIR",
            Description = "Waits until it is over and writes the run folder there",
        };
        var threads = SharedOptions.Threads("per worker; the last bits of results depend on it");
        var priority = new Option<int?>("--priority")
        {
            HelpName = "N",
            Description = $"One more is twice the share of the workers, {StudyPriority.Lowest} to {StudyPriority.Highest} (default: 0); "
                + "given again for a study that runs, it changes",
        };
        var device = SharedOptions.DeviceKind();
        var set = SharedOptions.Set();
        var command = new Command("submit", "Hands a study, with the files that it names, to a cluster")
        {
            study, cluster, watch, folder, threads, device, priority, set,
        };
        command.SetAction(async parsed =>
        {
            // What is wrong in the file itself is said without asking anybody.
            var file = SharedOptions.Load(parsed, study, set, out var overrides);
            if (parsed.GetValue(folder) is { } checkedFirst) RemoteReport.Check(checkedFirst, null);
            using var client = new ClusterClient(parsed.GetValue(cluster));
            var name = Path.GetFileName(file.Path);
            int? rank = parsed.GetValue(priority) is { } wanted ? StudyPriority.Check(wanted) : null;
            var upload = new InputUpload(client, parsed.InvocationConfiguration.Error);
            var inputs = await upload.SendAsync(file, parsed.GetValue(threads));
            var submission = new StudySubmission(file.Source, file.Folder, name, overrides, parsed.GetValue(threads), rank, inputs,
                parsed.GetValue(device));
            var reply = await upload.ExplainAsync(() => client.SubmitAsync(submission));
            var output = parsed.InvocationConfiguration.Output;
            await output.WriteLineAsync(reply.Study.Value);
            await output.FlushAsync();
            var target = parsed.GetValue(folder);
            if (!parsed.GetValue(watch) && target is null) return ExitCode.Done;
            var display = Displays.For(output, quiet: !parsed.GetValue(watch));
            var code = await new RemoteWatch(client, display).UntilOverAsync(reply.Study);
            return target is null ? code : Math.Max(code, await new RemoteReport(client, display).FetchAsync(reply.Study, target));
        });
        return command;
    }
}
