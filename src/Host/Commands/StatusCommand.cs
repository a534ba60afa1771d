using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using InterpActors.Compute.Reports;
using InterpActors.Host.Display;
using InterpActors.Host.Remote;
using InterpActors.Host.Runs;
using InterpActors.Host.Web;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Commands;

/// <summary>
/// <c>interp status DIR</c>: where a local run stands, from its journal, also while it goes on. <c>interp status ID</c>: where a study of a
/// cluster stands.
/// </summary>
internal static class StatusCommand
{
    public static Command Create()
    {
        var what = SharedOptions.Run();
        var cluster = SharedOptions.Cluster();
        var json = SharedOptions.Json("Prints one JSON object");
        var command = new Command("status", "Says where a run stands, also while it goes on") { what, cluster, json };
        command.SetAction(async parsed =>
        {
            var (name, url, output) = (parsed.GetValue(what)!, parsed.GetValue(cluster), parsed.InvocationConfiguration.Output);
            if (!SharedOptions.IsOfCluster(name, url))
            {
                Run(name, parsed.GetValue(json), output);
                return ExitCode.Done;
            }
            var id = SharedOptions.ParseStudyId(name);
            using var client = new ClusterClient(url);
            var detail = await client.DetailAsync(id);
            var note = detail.Progress.Error is { } error ? $", stopped: {error}"
                : detail.Progress.Waiting is { } reason ? $", waits: {reason}" : "";
            var standing = new Standing(detail.Study.Value, detail.Name, detail.Kind, detail.Threads, null, note)
            {
                Progress = detail.Progress,
                Headline = detail.Headline,
            };
            Write(standing, detail.History, parsed.GetValue(json), output);
            return ExitCode.Done;
        });
        return command;
    }

    /// <summary>What a study is, wherever it runs.</summary>
    /// <param name="Process">The process of this machine that works on it, if one does.</param>
    /// <param name="Note">What is to be said beside the state.</param>
    private sealed record Standing(string Id, string Name, string Kind, int Threads, string? Process, string Note)
    {
        /// <summary>As the coordinator tells it; null for a local run.</summary>
        public StudyProgress? Progress { get; init; }

        public string? Headline { get; init; }
    }

    private static void Run(string folder, bool json, TextWriter output)
    {
        using var run = LocalRun.Open(folder);
        var (study, history) = (run.Study, run.History);
        var holder = RunLock.HolderOf(folder);
        var note = holder is not null ? $", process {holder} works on it"
            : history.State == RunState.Running ? ", but no process works on it: run it again" : "";
        Write(new Standing(study.Id.Value, study.Name, study.Kind, study.Execution.Threads, holder, note), history, json, output);
    }

    private static void Write(Standing study, RunHistory history, bool json, TextWriter output)
    {
        if (json) output.WriteLine(Json(study, history).ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
        else Print(study, history, output);
    }

    private static void Print(Standing study, RunHistory history, TextWriter output)
    {
        output.WriteLine($"{study.Id} · {study.Kind}");
        output.WriteLine($"state      {SummaryJson.Word(history.State)}{study.Note}");
        if (study.Progress is { } progress)
        {
            if (progress.Priority != 0) output.WriteLine($"priority   {progress.Priority}");
            output.WriteLine($"workers    {progress.Workers}"
                + (progress.Running.Count > 0 ? $", at {string.Join(", ", progress.Running.Take(4))}" : ""));
            if (progress.Best.Count > 0) output.WriteLine($"strongest  {string.Join(", ", progress.Best.Select(ProgressText.Cell))}");
        }
        output.WriteLine($"units      {ProgressText.Count(history.Committed)} of {ProgressText.Count(history.Planned)}"
            + (history.Failures.Count > 0 ? $", {ProgressText.Count(history.Failures.Count)} given up" : ""));
        foreach (var process in history.Processes)
        {
            output.WriteLine($"process    {process.Process}  {process.Started:yyyy-MM-dd HH:mm:ss}Z  "
                + (process.Ended is { } end ? $"ended {end:HH:mm:ss}Z  " : "no end noted  ")
                + $"computed {ProgressText.Count(process.UnitsComputed)}, committed {ProgressText.Count(process.UnitsCommitted)}");
        }
        foreach (var warning in history.Warnings ?? []) output.WriteLine($"warning    {warning}");
        foreach (var defeat in history.Failures.Take(10))
            output.WriteLine($"given up   {defeat.Label} after {defeat.Attempts} attempts: {defeat.Error}");
    }

    private static JsonObject Json(Standing study, RunHistory history)
    {
        var json = Common(study, history);
        if (study.Progress is not { } progress) return json;
        json["units"]!["failed"] = progress.Failed;
        json["headline"] = study.Headline;
        // The rest of what the API tells, in its words.
        var all = JsonSerializer.SerializeToNode(progress, HttpAnswers.Info<StudyProgress>())!.AsObject();
        foreach (var (name, value) in all.ToArray())
        {
            all.Remove(name);
            if (name is not ("planned" or "committed" or "failed")) json[name] = value;
        }
        return json;
    }

    private static JsonObject Common(Standing study, RunHistory history) => new()
    {
        ["study"] = study.Id,
        ["name"] = study.Name,
        ["kind"] = study.Kind,
        ["state"] = SummaryJson.Word(history.State),
        ["process"] = study.Process,
        ["threads"] = study.Threads,
        ["units"] = new JsonObject
        {
            ["planned"] = history.Planned,
            ["committed"] = history.Committed,
            ["failed"] = history.Failures.Count,
        },
        ["processes"] = SummaryJson.Processes(history),
        ["failures"] = SummaryJson.Failures(history),
        ["warnings"] = new JsonArray([.. (history.Warnings ?? []).Select(w => (JsonNode?)JsonValue.Create(w))]),
    };
}
