using System.Diagnostics;
using InterpActors.Host.Commands;
using InterpActors.Host.Display;
using InterpActors.Host.Web;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Remote;

/// <summary>Shows a study of a cluster until it is over, across lost connections.</summary>
internal sealed class RemoteWatch(ClusterClient client, IRunDisplay display)
{
    /// <summary>How long a coordinator may be away.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(5);

    /// <returns>An <see cref="ExitCode"/>.</returns>
    /// <exception cref="RunFailedException">The coordinator was away for too long; the study goes on without being watched.</exception>
    public async Task<int> UntilOverAsync(StudyId study)
    {
        var detail = await client.DetailAsync(study);
        var last = detail.Progress;
        var scene = new RunScene(detail.Name, detail.Headline, $"cluster {client.Address}", null);
        await display.WhileAsync(scene, async show =>
        {
            show(last);
            var away = new Stopwatch();
            while (!StudyEnd.IsOver(last))
            {
                try
                {
                    await foreach (var progress in client.FollowAsync(study))
                    {
                        away.Reset();
                        show(last = progress);
                    }
                }
                catch (RunFailedException) when (away.Elapsed < Patience)
                {
                    // The next try follows.
                }
                if (StudyEnd.IsOver(last)) break;
                away.Start();
                await Task.Delay(TimeSpan.FromSeconds(1));
            }
        });
        if (last.Error is { } error) throw new RunFailedException(error);
        display.Conclude($"{study} {Words(last)}; interp report {study} --out DIR fetches its run folder");
        return last.State == RunState.Completed ? ExitCode.Done : ExitCode.Failed;
    }

    private static string Words(StudyProgress progress) => progress.State switch
    {
        RunState.Completed => $"is completed: {ProgressText.Count(progress.Committed)} units",
        RunState.Cancelled =>
            $"was cancelled after {ProgressText.Count(progress.Committed)} of {ProgressText.Count(progress.Planned)} units",
        _ => $"is completed, but {ProgressText.Count(progress.Failed)} of {ProgressText.Count(progress.Planned)} units were given up",
    };
}
