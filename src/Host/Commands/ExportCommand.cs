using System.CommandLine;
using InterpActors.Host.Display;
using InterpActors.Host.Remote;

namespace InterpActors.Host.Commands;

/// <summary><c>interp export ID --format F --out DIR</c>: fetches the results of a cluster's study in one format.</summary>
internal static class ExportCommand
{
    public static Command Create()
    {
        var id = SharedOptions.StudyId();
        var cluster = SharedOptions.Cluster();
        var format = new Option<string>("--format")
        {
            HelpName = "F",
            Description = "csv, parquet, mib (circuits) or saelens (dictionaries)",
            Required = true,
        };
        format.AcceptOnlyFromAmong([.. RemoteExport.Formats]);
        var target = new Option<string>("--out") { HelpName = "DIR", Required = true, Description = "Where the files go" };
        var command = new Command("export", "Fetches the results of a study of a cluster in one format") { id, cluster, format, target };
        command.SetAction(async parsed =>
        {
            var study = SharedOptions.ParseStudyId(parsed.GetValue(id)!);
            using var client = new ClusterClient(parsed.GetValue(cluster));
            var display = Displays.For(parsed.InvocationConfiguration.Output, quiet: false);
            await new RemoteExport(client, display).FetchAsync(study, parsed.GetValue(format)!, parsed.GetValue(target)!);
            return ExitCode.Done;
        });
        return command;
    }
}
