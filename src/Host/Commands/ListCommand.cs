using System.CommandLine;
using System.Text.Json;
using InterpActors.Compute.Reports;
using InterpActors.Host.Display;
using InterpActors.Host.Remote;
using InterpActors.Host.Web;

namespace InterpActors.Host.Commands;

/// <summary><c>interp list</c>: the studies of a cluster.</summary>
internal static class ListCommand
{
    public static Command Create()
    {
        var cluster = SharedOptions.Cluster();
        var json = SharedOptions.Json("Prints one JSON object");
        var command = new Command("list", "Lists the studies of a cluster") { cluster, json };
        command.SetAction(async parsed =>
        {
            using var client = new ClusterClient(parsed.GetValue(cluster));
            var list = await client.ListAsync();
            var output = parsed.InvocationConfiguration.Output;
            if (parsed.GetValue(json)) await output.WriteLineAsync(JsonSerializer.Serialize(list, HttpAnswers.Info<StudyListing>()));
            else Print(list, output);
            return ExitCode.Done;
        });
        return command;
    }

    private static void Print(StudyListing list, TextWriter output)
    {
        var width = list.Studies.Select(s => s.Study.Value.Length).DefaultIfEmpty().Max();
        foreach (var s in list.Studies)
        {
            var percent = ProgressText.Percent(ProgressMeter.Fraction(s));
            output.WriteLine($"{s.Study.Value.PadRight(width)}  {SummaryJson.Word(s.State),-21}  {percent}  "
                + $"{ProgressText.Count(s.Committed)} of {ProgressText.Count(s.Planned)} units"
                + (s.Failed > 0 ? $", {ProgressText.Count(s.Failed)} given up" : "")
                + (s.Priority != 0 ? $"  priority {s.Priority}" : "")
                + (s.Waiting is { } reason ? $"  waits: {reason}" : "") + (s.Error is { } error ? $"  stopped: {error}" : ""));
        }
    }
}
