using InterpActors.Host.Hosting;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Web;

/// <summary>
/// Looks at the cluster now and then, once for all who watch, and notes what changed. Looks often while somebody watches, seldom otherwise.
/// </summary>
internal sealed class ClusterWatch
{
    /// <summary>Studies that were over before this process began, of whose journals the log is made.</summary>
    private const int PastStudies = 10;

    /// <summary>Of more than so many studies, those that are over and older are left out; <c>interp list</c> has them.</summary>
    private const int ShownStudies = 100;

    private const int ShownWorkers = 200;

    private static readonly TimeSpan Watched = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Alone = TimeSpan.FromSeconds(5);
    private readonly IStudyDesk _desk;
    private readonly SemaphoreSlim _turn = new(1);
    private readonly EventLog _log = new();
    private IReadOnlyList<StudyProgress> _studies = [];
    private ClusterView? _cluster;
    private Overview? _latest;
    private DateTimeOffset _at;

    public ClusterWatch(IStudyDesk desk, CancellationToken stopping)
    {
        _desk = desk;
        Ended = Task.Run(() => LoopAsync(stopping), CancellationToken.None);
    }

    /// <summary>Completes after the watch was told to stop.</summary>
    public Task Ended { get; }

    /// <summary>The cluster as of at most half a second ago.</summary>
    /// <exception cref="StudyException">It cannot be asked just now.</exception>
    public async Task<Overview> LatestAsync()
    {
        await _turn.WaitAsync();
        try
        {
            if (_latest is { } latest && DateTimeOffset.UtcNow - _at < Watched) return latest;
            var studies = await _desk.ListAsync();
            var cluster = await _desk.MembersAsync();
            await ReadAsync(studies);
            if (_cluster is { } before) _log.Compare(before, cluster);
            else
            {
                _log.Note(null, $"watching: {Plural(studies.Count, "study", "studies")}, {Plural(cluster.Members.Count, "member", "members")}, "
                    + Plural(cluster.Workers.Count, "worker", "workers"));
            }
            (_studies, _cluster, _at) = (studies, cluster, DateTimeOffset.UtcNow);
            return _latest = Shown(studies, cluster);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task LoopAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await LatestAsync();
            }
            catch (StudyException)
            {
                // The coordinator cannot be reached: nothing to note until it can.
            }
            await Task.Delay(Alone, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private Overview Shown(IReadOnlyList<StudyProgress> studies, ClusterView cluster)
    {
        var shown = studies.Where((s, i) => !StudyEnd.IsOver(s) || i >= studies.Count - ShownStudies).ToList();
        var workers = cluster.Workers.Take(ShownWorkers).ToList();
        return new Overview(
            shown, studies.Count - shown.Count, cluster with { Workers = workers }, cluster.Workers.Count - workers.Count, _log.Lines);
    }

    /// <summary>Reads on in the journals of those studies of which something changed.</summary>
    private async Task ReadAsync(IReadOnlyList<StudyProgress> studies)
    {
        var old = _studies.ToDictionary(s => s.Study);
        for (var i = 0; i < studies.Count; i++)
        {
            var (study, was) = (studies[i], old.GetValueOrDefault(studies[i].Study));
            if (was is null ? StudyEnd.IsOver(study) && i < studies.Count - PastStudies && _cluster is null : IsAlike(was, study)) continue;
            _log.Take(study.Study, await _desk.NotesAsync(study.Study));
            // These are no entries of a journal.
            if (study.Error is { } error && was?.Error is null) _log.Note(study.Study.Value, $"stopped: {error}");
            if (study.Waiting is { } reason && was?.Waiting != reason) _log.Note(study.Study.Value, $"waits: {reason}");
        }
    }

    private static string Plural(int count, string one, string many) => $"{count} {(count == 1 ? one : many)}";

    private static bool IsAlike(StudyProgress a, StudyProgress b) =>
        (a.State, a.Committed, a.Failed, a.Workers, a.Priority, a.Error, a.Waiting, a.Warnings?.Count)
            == (b.State, b.Committed, b.Failed, b.Workers, b.Priority, b.Error, b.Waiting, b.Warnings?.Count);
}
