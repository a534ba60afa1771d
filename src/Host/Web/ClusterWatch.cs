using InterpActors.Host.Hosting;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Web;

/// <summary>
/// Looks at the cluster now and then, once for all who watch, and notes what changed: the event log. Looks often while somebody watches,
/// seldom otherwise.
/// </summary>
internal sealed class ClusterWatch
{
    private const int Kept = 200;
    private static readonly TimeSpan Watched = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Alone = TimeSpan.FromSeconds(5);
    private readonly IStudyDesk _desk;
    private readonly SemaphoreSlim _turn = new(1);
    private readonly List<LogLine> _log = [];
    private Overview? _latest;
    private DateTimeOffset _at;
    private long _number;

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
            if (_latest is { } before) Compare(before, studies, cluster);
            else Note(null, $"watching: {studies.Count} studies, {cluster.Members.Count} members, {cluster.Workers.Count} workers");
            _at = DateTimeOffset.UtcNow;
            return _latest = new Overview(studies, cluster, [.. _log]);
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

    private void Compare(Overview before, IReadOnlyList<StudyProgress> studies, ClusterView cluster)
    {
        var old = before.Studies.ToDictionary(s => s.Study);
        foreach (var study in studies)
        {
            var id = study.Study.Value;
            if (!old.TryGetValue(study.Study, out var was)) Note(id, $"submitted: {study.Planned} units");
            if ((was?.State ?? RunState.Running) != study.State) Note(id, Words(was?.State, study));
            if (study.Failed > (was?.Failed ?? 0)) Note(id, $"{study.Failed - (was?.Failed ?? 0)} units given up");
            if (study.Error is { } error && was?.Error is null) Note(id, $"stopped: {error}");
        }
        Difference(before.Cluster.Members.Select(m => m.Address), cluster.Members.Select(m => m.Address), "member");
        Difference(before.Cluster.Workers.Select(w => w.Worker), cluster.Workers.Select(w => w.Worker), "worker");
        foreach (var member in cluster.Members)
        {
            var was = before.Cluster.Members.FirstOrDefault(m => m.Address == member.Address);
            if (was is not null && was.Reachable != member.Reachable)
                Note(null, $"member {member.Address} is {(member.Reachable ? "reachable again" : "unreachable")}");
            if (was is { Active: false } && member.Active) Note(null, $"coordinator {member.Address} leads now");
        }
    }

    private static string Words(RunState? was, StudyProgress study) => study.State switch
    {
        RunState.Running when was == RunState.Paused => "resumed",
        RunState.CompletedWithErrors => "completed with errors",
        var state => state.ToString().ToLowerInvariant(),
    };

    private void Difference(IEnumerable<string> before, IEnumerable<string> now, string what)
    {
        var (old, current) = (before.ToHashSet(), now.ToHashSet());
        foreach (var name in current.Except(old)) Note(null, $"{what} {name} joined");
        foreach (var name in old.Except(current)) Note(null, $"{what} {name} left");
    }

    private void Note(string? study, string text)
    {
        _log.Add(new LogLine(++_number, DateTimeOffset.UtcNow, study, text));
        if (_log.Count > Kept) _log.RemoveRange(0, _log.Count - Kept);
    }
}
