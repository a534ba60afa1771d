using System.CommandLine;
using InterpActors.Host.Display;
using InterpActors.Host.Remote;
using InterpActors.Host.Runs;

namespace InterpActors.Host.Commands;

/// <summary>
/// <c>interp export ID|DIR --format F --out DIR</c>: the results of a cluster's study, or of a run folder, in one format.
/// </summary>
internal static class ExportCommand
{
    public static Command Create()
    {
        var run = SharedOptions.Run();
        var cluster = SharedOptions.Cluster();
        var format = new Option<string>("--format")
        {
            HelpName = "F",
            Description = "csv, parquet, mib (circuits), saelens (dictionaries) or saebench (evaluations of dictionaries)",
            Required = true,
        };
        format.AcceptOnlyFromAmong([.. ExportFormat.Names]);
        var target = new Option<string>("--out") { HelpName = "DIR", Required = true, Description = "Where the files go" };
        var command = new Command("export",
            "Writes the results of a study in one format: of a run folder, or of a cluster") { run, cluster, format, target };
        command.SetAction(async parsed =>
        {
            var (name, url) = (parsed.GetValue(run)!, parsed.GetValue(cluster));
            var (form, folder) = (parsed.GetValue(format)!, parsed.GetValue(target)!);
            var display = Displays.For(parsed.InvocationConfiguration.Output, quiet: false);
            if (!SharedOptions.IsOfCluster(name, url))
            {
                foreach (var file in LocalExport.Copy(name, form, folder)) display.Conclude(file);
                return ExitCode.Done;
            }
            var study = SharedOptions.ParseStudyId(name);
            using var client = new ClusterClient(url);
            await new RemoteExport(client, display).FetchAsync(study, form, folder);
            return ExitCode.Done;
        });
        return command;
    }
}
