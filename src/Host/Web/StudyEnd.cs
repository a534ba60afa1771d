using InterpActors.Messages.Studies;

namespace InterpActors.Host.Web;

/// <summary>Whether a study is at its end.</summary>
internal static class StudyEnd
{
    public static bool IsOver(RunState state) => state is RunState.Completed or RunState.CompletedWithErrors or RunState.Cancelled;

    public static bool IsOver(StudyProgress progress) => progress.Error is not null || IsOver(progress.State);
}
