using System.CommandLine;
using InterpActors.Host.Display;
using InterpActors.Host.Remote;

namespace InterpActors.Host.Commands;

/// <summary><c>interp watch ID</c>: the progress of a cluster's study, live, until it is over.</summary>
internal static class WatchCommand
{
    public static Command Create()
    {
        var study = SharedOptions.StudyId();
        var cluster = SharedOptions.Cluster();
        var command = new Command("watch", "Shows a study of a cluster until it is over") { study, cluster };
        command.SetAction(async parsed =>
        {
            var id = SharedOptions.ParseStudyId(parsed.GetValue(study)!);
            using var client = new ClusterClient(parsed.GetValue(cluster));
            return await new RemoteWatch(client, Displays.For(parsed.InvocationConfiguration.Output, quiet: false)).UntilOverAsync(id);
        });
        return command;
    }
}
