using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using InterpActors.Compute.Reports;
using InterpActors.Host.Display;
using InterpActors.Host.Runs;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Commands;

/// <summary><c>interp status DIR</c>: where a local run stands, from its journal, also while it goes on.</summary>
internal static class StatusCommand
{
    public static Command Create()
    {
        var folder = new Argument<string>("folder") { HelpName = "DIR", Description = "A run folder" };
        var json = SharedOptions.Json("Prints one JSON object");
        var command = new Command("status", "Says where a run stands, also while it goes on") { folder, json };
        command.SetAction(parsed =>
        {
            Run(parsed.GetValue(folder)!, parsed.GetValue(json), parsed.InvocationConfiguration.Output);
            return ExitCode.Done;
        });
        return command;
    }

    private static void Run(string folder, bool json, TextWriter output)
    {
        using var run = LocalRun.Open(folder);
        var (study, history) = (run.Study, run.History);
        var holder = RunLock.HolderOf(folder);
        var state = SummaryJson.Word(history.State);
        if (json) output.WriteLine(Json(study, history, state, holder).ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
        else Print(study, history, state, holder, output);
    }

    private static void Print(Study study, RunHistory history, string state, string? holder, TextWriter output)
    {
        output.WriteLine($"{study.Id} · {study.Kind}");
        output.WriteLine($"state      {state}{(holder is not null ? $", process {holder} works on it" : history.State == RunState.Running ? ", but no process works on it: run it again" : "")}");
        output.WriteLine($"units      {ProgressText.Count(history.Committed)} of {ProgressText.Count(history.Planned)}"
            + (history.Failures.Count > 0 ? $", {ProgressText.Count(history.Failures.Count)} given up" : ""));
        foreach (var process in history.Processes)
        {
            output.WriteLine($"process    {process.Process}  {process.Started:yyyy-MM-dd HH:mm:ss}Z  {(process.Ended is { } end ? $"ended {end:HH:mm:ss}Z" : "no end noted")}  "
                + $"computed {ProgressText.Count(process.UnitsComputed)}, committed {ProgressText.Count(process.UnitsCommitted)}");
        }
        foreach (var defeat in history.Failures.Take(10)) output.WriteLine($"given up   {defeat.Label} after {defeat.Attempts} attempts: {defeat.Error}");
    }

    private static JsonObject Json(Study study, RunHistory history, string state, string? holder) => new()
    {
        ["study"] = study.Id.Value,
        ["name"] = study.Name,
        ["kind"] = study.Kind,
        ["state"] = state,
        ["process"] = holder,
        ["threads"] = study.Execution.Threads,
        ["units"] = new JsonObject
        {
            ["planned"] = history.Planned,
            ["committed"] = history.Committed,
            ["failed"] = history.Failures.Count,
        },
        ["processes"] = SummaryJson.Processes(history),
        ["failures"] = SummaryJson.Failures(history),
    };
}
