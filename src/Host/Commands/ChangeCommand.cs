using System.CommandLine;
using InterpActors.Compute.Reports;
using InterpActors.Host.Display;
using InterpActors.Host.Remote;

namespace InterpActors.Host.Commands;

/// <summary><c>interp pause ID</c>, <c>interp resume ID</c>, <c>interp cancel ID</c>: what changes a study of a cluster.</summary>
internal static class ChangeCommand
{
    public static Command Pause() =>
        Create("pause", "Hands out no more units of a study of a cluster; those being computed are still taken");

    public static Command Resume() => Create("resume", "Goes on with a paused study of a cluster");

    public static Command Cancel() => Create("cancel", "Stops a study of a cluster for good; what is computed stays");

    private static Command Create(string verb, string description)
    {
        var study = SharedOptions.StudyId();
        var cluster = SharedOptions.Cluster();
        var command = new Command(verb, description) { study, cluster };
        command.SetAction(async parsed =>
        {
            var id = SharedOptions.ParseStudyId(parsed.GetValue(study)!);
            using var client = new ClusterClient(parsed.GetValue(cluster));
            var progress = await client.ChangeAsync(id, verb);
            var units = $"{ProgressText.Count(progress.Committed)} of {ProgressText.Count(progress.Planned)} units";
            await parsed.InvocationConfiguration.Output.WriteLineAsync($"{id}  {SummaryJson.Word(progress.State)}  {units}");
            return ExitCode.Done;
        });
        return command;
    }
}
