using InterpActors.Host.Hosting;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Web;

/// <summary>
/// Keeps the files of every study that is not over on this coordinator, also while it stands by: they are fetched where they are missing and
/// not removed, so that whoever takes over has them.
/// </summary>
internal sealed class InputKeeper(IStudyDesk desk, ClusterWatch watch, StudyIntake intake)
{
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(5);
    private readonly Dictionary<StudyId, IDisposable> _kept = [];

    /// <summary>Those of them that were in a list of studies that are not over.</summary>
    private readonly HashSet<StudyId> _seen = [];

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
                // The coordinator in charge does not answer, or no node has a file just now: the next look follows.
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
        var open = (await watch.LatestAsync()).Studies.Where(s => !StudyEnd.IsOver(s)).Select(s => s.Study).ToHashSet();
        StudyId[] wanted;
        lock (_kept)
        {
            // A study that was accepted a moment ago may not be in the list yet: it goes when it is seen to be over.
            foreach (var over in _kept.Keys.Where(k => !open.Contains(k) && _seen.Contains(k)).ToArray())
            {
                _kept.Remove(over, out var held);
                held!.Dispose();
            }
            _seen.IntersectWith(_kept.Keys);
            _seen.UnionWith(open.Where(_kept.ContainsKey));
            wanted = [.. open.Where(s => !_kept.ContainsKey(s))];
        }
        foreach (var id in wanted)
        {
            if (await desk.DefinitionAsync(id) is not { } study) continue;
            var held = await Task.Factory.StartNew(
                () => intake.Files.Open(study.Folder, study.Inputs, stopping), stopping, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            Keep(id, held);
        }
    }
}
