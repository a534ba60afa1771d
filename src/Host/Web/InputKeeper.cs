using InterpActors.Host.Hosting;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Web;

/// <summary>
/// Keeps the files of every study that is not over on this coordinator, also while it stands by: they are fetched where they are missing
/// and not removed, so that whoever takes over has them.
/// </summary>
/// <param name="studies">Every study as it stands.</param>
internal sealed class InputKeeper(IStudyDesk desk, Func<Task<IReadOnlyList<StudyProgress>>> studies, StudyIntake intake)
{
    private readonly Dictionary<StudyId, IDisposable> _kept = [];

    /// <summary>Time between two looks.</summary>
    public TimeSpan Beat { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>A study that was just accepted; its files are here.</summary>
    /// <param name="held">Kept until the study is over.</param>
    public void Keep(StudyId study, IDisposable held)
    {
        lock (_kept)
            if (_kept.TryAdd(study, held)) return;
        held.Dispose();
    }

    /// <summary>Goes on until it is told to stop.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await LookAsync(stopping);
            }
            catch (StudyException)
            {
                // The coordinator in charge does not answer: the next look follows.
            }
            catch (OperationCanceledException)
            {
                break;
            }
            await Task.Delay(Beat, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        lock (_kept)
        {
            foreach (var held in _kept.Values) held.Dispose();
            _kept.Clear();
        }
    }

    private async Task LookAsync(CancellationToken stopping)
    {
        var all = await studies();
        StudyId[] wanted;
        lock (_kept)
        {
            // Not what is missing in the list: a study that was accepted a moment ago may not be in it yet.
            foreach (var over in all.Where(s => StudyEnd.IsOver(s)).Select(s => s.Study))
                if (_kept.Remove(over, out var held)) held.Dispose();
            wanted = [.. all.Where(s => !StudyEnd.IsOver(s)).Select(s => s.Study).Where(s => !_kept.ContainsKey(s))];
        }
        foreach (var id in wanted)
        {
            if (await desk.DefinitionAsync(id) is not { } study) continue;
            try
            {
                var held = await Task.Factory.StartNew(
                    () => intake.Files.Open(study.Folder, study.Inputs, stopping), stopping,
                    TaskCreationOptions.LongRunning, TaskScheduler.Default);
                Keep(id, held);
            }
            catch (StudyException)
            {
                // No node that can be reached has a file, or there is no room for it; the nodes that compute may still have it.
            }
        }
    }
}
