using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Studies;

/// <summary>What can be asked of a <see cref="StudyRunState"/>.</summary>
public abstract record StudyRunCommand
{
    private StudyRunCommand() { }

    /// <summary>Start, or go on after a pause.</summary>
    public sealed record Submit(Study Study, DateTimeOffset At) : StudyRunCommand;

    /// <summary>The plan is known.</summary>
    public sealed record Plan(long Units, long Cells) : StudyRunCommand;

    /// <summary>Change the study's share of the workers.</summary>
    public sealed record Prioritise(int Priority, DateTimeOffset At) : StudyRunCommand;

    /// <summary>A process is about to compute.</summary>
    public sealed record SeeProcess(string Process, DateTimeOffset At) : StudyRunCommand;

    /// <summary>A process leaves in good order.</summary>
    public sealed record EndProcess(string Process, bool AndPause, DateTimeOffset At) : StudyRunCommand;

    /// <summary>A unit was computed.</summary>
    /// <param name="Computed">How many units the process has computed by now; null where it does not count.</param>
    public sealed record Complete(
        long Ordinal, int Attempt, string Process, byte[] Payload, UnitPreview? Preview, long? Computed = null) : StudyRunCommand;

    /// <summary>A process has computed so many units.</summary>
    public sealed record Count(string Process, long Units) : StudyRunCommand;

    /// <summary>A try failed, or its worker was lost. A try that was counted already changes nothing.</summary>
    public sealed record Fail(
        long Ordinal, int Attempt, string Label, string Process, UnitFailureKind Kind, string Error, bool WorkerDied = false)
        : StudyRunCommand;

    /// <summary>A unit can be continued from here.</summary>
    public sealed record Checkpoint(long Ordinal, string Process, UnitCheckpoint Written) : StudyRunCommand;

    /// <summary>Something went wrong with a unit and was put right.</summary>
    public sealed record Warn(long Ordinal, string Process, string Line) : StudyRunCommand;

    public sealed record Pause(DateTimeOffset At) : StudyRunCommand;

    public sealed record Resume(DateTimeOffset At) : StudyRunCommand;

    public sealed record Cancel(DateTimeOffset At, StudyReach? Reached = null) : StudyRunCommand;

    /// <summary>End the study, and the work of these processes on it, if every unit is settled.</summary>
    public sealed record Finish(DateTimeOffset At, IReadOnlyCollection<string> Processes, StudyReach? Reached = null) : StudyRunCommand;
}
