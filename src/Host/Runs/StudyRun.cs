using System.Diagnostics;
using InterpActors.Actors.Journal;
using InterpActors.Compute.Devices;
using InterpActors.Compute.Methods.SaeTraining;
using InterpActors.Host.Commands;
using InterpActors.Host.Display;
using InterpActors.Host.Hosting;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Host.Runs;

/// <summary>What the command line asked for.</summary>
/// <param name="Out">The run folder; null for <c>runs/ID</c>.</param>
/// <param name="Threads">Torch threads per worker; null for what the run was begun with, 1 for a new one.</param>
/// <param name="Device">The kind of device; null for the one that the run was begun on, the CPU for a new one.</param>
public sealed record RunRequest(Study Study, string? Out, bool Fresh, int Workers, int? Threads, string? Device = null);

/// <summary>
/// One study on this machine from its first unit, or from where its journal ends, to its outputs. Everything that can be wrong with the
/// input is found before the first byte is written.
/// </summary>
/// <param name="verify">Checks what needs the weights, and tells the metric without interventions, for people; not asked of a run that is
/// over.</param>
/// <param name="devices">What there is to compute on; null for what torch finds.</param>
public sealed class StudyRun(
    IStudyPlanner planner, IUnitRunner runner, IStudyReducer reducer, Func<Study, string?> verify, IRunDisplay display,
        Interrupts interrupts, IDeviceProvider? devices = null)
{
    private readonly IDeviceProvider _devices = devices ?? TorchDevices.Instance;

    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <returns>An <see cref="ExitCode"/>.</returns>
    /// <exception cref="StudyException">The run cannot begin; nothing was written.</exception>
    /// <exception cref="RunFailedException">It stopped before its end; running again resumes it.</exception>
    public async Task<int> ExecuteAsync(RunRequest request)
    {
        var clock = Stopwatch.StartNew();
        var path = RunFolder.Choose(request.Study.Id, request.Out, request.Fresh);
        RunFolder.Check(path);
        var study = Resume(path, request);
        var used = DeviceSlots.OfKind(study.Execution.DeviceKind, _devices);
        var plan = planner.Plan(study);
        RunLock.Check(path);
        string? baselines = null;
        if (!IsOver(State(path)))
        {
            display.Say("loading the model, running its prompts as they are");
            baselines = verify(study);
        }

        using var folder = RunFolder.Open(path);
        if (IsOver(State(folder.Path)))
        {
            display.Say($"{study.Name} · {plan.Headline}");
            display.Say($"finished already; writing its outputs again from {folder.Journal}");
            return Conclude(folder, plan, clock);
        }
        var scene = new RunScene(study.Name, plan.Headline, $"journal {folder.Journal}", baselines);
        return await ComputeAsync(folder, plan, request.Workers, used, scene, clock) ? Conclude(folder, plan, clock) : ExitCode.Interrupted;
    }

    /// <summary>The study as the folder's journal has it, if there is one: the settings that last bits depend on were fixed by its first
    /// process.</summary>
    private static Study Resume(string path, RunRequest request)
    {
        var journal = Path.Combine(path, RunFolder.JournalName);
        var found = new JournalFile(journal).Inspect();
        if (found.Problem is not null) throw new StudyException(found.Problem);
        if (found.Study is not { } begun) return request.Study;
        if (begun.Id != request.Study.Id)
        {
            throw new StudyException(
                $"the run in this folder is of {Other(begun, request.Study)} "
                    + $"({StudyDifference.Between(begun.Canonical, request.Study.Canonical)})",
                path, "restore it, or use --fresh or another --out");
        }
        if (request.Threads is { } threads && threads != begun.Execution.Threads)
        {
            throw new StudyException(
                $"the run was begun with --threads {begun.Execution.Threads}, not {threads}, and its numbers depend on it",
                path, $"use --threads {begun.Execution.Threads}, or --fresh");
        }
        if (request.Device is { } device && device != begun.Execution.DeviceKind)
        {
            throw new StudyException($"the run was begun on {begun.Execution.DeviceKind}, not {device}, and its numbers depend on it",
                path, $"use --device {begun.Execution.DeviceKind}, or --fresh");
        }
        return request.Study with { Execution = begun.Execution };
    }

    private static string Other(Study begun, Study asked) =>
        begun.Name == asked.Name && begun.Kind == asked.Kind ? "an earlier version of the study file" : $"another study, {begun.Id}";

    /// <summary>How far a run is; null where there is none yet.</summary>
    private static RunState? State(string path)
    {
        if (new JournalFile(Path.Combine(path, RunFolder.JournalName)).Inspect().Kind != JournalKind.Ok) return null;
        using var run = LocalRun.Open(path);
        return run.History.State;
    }

    /// <returns>False where the user stopped it.</returns>
    private async Task<bool> ComputeAsync(
        RunFolder folder, IStudyPlan plan, int workers, IReadOnlyList<ComputeDevice> used, RunScene scene, Stopwatch clock)
    {
        interrupts.Arm();
        LocalNode node;
        try
        {
            node = await LocalNode.StartAsync(new LocalNodeOptions(folder.Journal, workers, planner, runner)
            {
                LogFile = Path.Combine(folder.Path, "warnings.log"),
                Devices = used,
            });
        }
        catch (StudyException e)
        {
            // The input was checked before: what fails here is the machine (no room for a journal, say).
            folder.Abandon();
            throw new RunFailedException(e.Message, e);
        }
        StudyProgress? last = null;
        try
        {
            last = await Begin(node, plan.Study);
            await display.WhileAsync(scene, async show =>
            {
                show(last);
                while (!IsOver(last) && !interrupts.Asked.IsCancellationRequested)
                {
                    await Task.WhenAny(Task.Delay(Beat, interrupts.Asked));
                    last = await node.ProgressAsync();
                    show(last);
                }
            });
        }
        finally
        {
            if (last is not null && !IsOver(last) && last.Error is null) last = await node.PauseAndFlushAsync(Patience) ?? last;
            await node.StopAsync(Patience);
        }
        if (last.Error is { } error) throw new RunFailedException(error);
        interrupts.Disarm();
        if (IsOver(last.State)) return true;
        display.Conclude($"stopped after {ProgressText.Took(clock.Elapsed)}: "
            + $"{ProgressText.Count(last.Committed)} of {ProgressText.Count(last.Planned)} units are in "
            + $"{folder.Journal}; run the same command again to go on");
        return false;
    }

    private static async Task<StudyProgress> Begin(LocalNode node, Study study)
    {
        try
        {
            return await node.SubmitAsync(study);
        }
        catch (StudyException e)
        {
            throw new RunFailedException(e.Message, e);
        }
    }

    private static bool IsOver(RunState? state) => state is RunState.Completed or RunState.CompletedWithErrors or RunState.Cancelled;

    private static bool IsOver(StudyProgress progress) => progress.Error is not null || IsOver(progress.State);

    private int Conclude(RunFolder folder, IStudyPlan plan, Stopwatch clock)
    {
        RunHistory history;
        ReductionOutcome outcome;
        using (var run = LocalRun.Open(folder.Path))
        {
            history = run.History;
            outcome = reducer.Reduce(new Reduction(plan, run.Payload, history), folder.Path);
        }
        // The last good state of a dictionary that was given up may be of use to somebody.
        UnitFolders.RemoveScratch(folder.Path, checkpointsToo: history.State == RunState.Completed);
        display.Say(outcome.Sentence);
        foreach (var warning in outcome.Warnings) display.Say($"warning: {warning}");
        foreach (var defeat in history.Failures.Take(5))
            display.Say($"skipped: {defeat.Label} after {defeat.Attempts} attempts: {defeat.Error}");
        if (history.Failures.Count > 5) display.Say($"skipped: {history.Failures.Count - 5} more units, see summary.json");
        var failed = outcome.Failed || history.State != RunState.Completed;
        display.Conclude($"{(failed ? "failed: " : "")}{Path.Combine(folder.Path, "report.html")}  "
            + $"({ProgressText.Count(history.Committed)} units, {ProgressText.Took(clock.Elapsed)})");
        return failed ? ExitCode.Failed : ExitCode.Done;
    }
}
