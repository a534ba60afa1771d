using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Web;

/// <summary>
/// The newest things that happened, in the order of their times: what the studies' journals tell, also of before this process began, and
/// what this process saw of the cluster itself. Not thread-safe.
/// </summary>
internal sealed class EventLog
{
    private const int Kept = 200;

    private readonly List<LogLine> _lines = [];
    private readonly Dictionary<StudyId, long> _told = [];
    private long _number;

    public IReadOnlyList<LogLine> Lines => [.. _lines];

    /// <summary>Notes something about the cluster, or about a study what its journal does not tell.</summary>
    public void Note(string? study, string text) => Add(DateTimeOffset.UtcNow, study, text);

    /// <summary>Takes those of a study's notes that are new.</summary>
    public void Take(StudyId study, IReadOnlyList<StudyNote> notes)
    {
        var told = _told.GetValueOrDefault(study);
        foreach (var note in notes.Where(n => n.Number > told))
        {
            Add(note.At, study.Value, note.Text);
            _told[study] = note.Number;
        }
    }

    /// <summary>Notes what differs between two looks at the cluster.</summary>
    public void Compare(ClusterView before, ClusterView now)
    {
        Difference(before.Members.Select(m => m.Address), now.Members.Select(m => m.Address), "member");
        Difference(before.Workers.Select(w => w.Worker), now.Workers.Select(w => w.Worker), "worker");
        foreach (var member in now.Members)
        {
            var was = before.Members.FirstOrDefault(m => m.Address == member.Address);
            if (was is not null && was.Reachable != member.Reachable)
                Note(null, $"member {member.Address} is {(member.Reachable ? "reachable again" : "unreachable")}");
            if (was is { Active: false } && member.Active) Note(null, $"coordinator {member.Address} leads now");
        }
        foreach (var worker in now.Workers.Where(w => w.SetAside is not null))
            if (before.Workers.FirstOrDefault(w => w.Worker == worker.Worker)?.SetAside is null)
                Note(null, $"worker {worker.Worker} is set aside: {worker.SetAside}");
    }

    private void Difference(IEnumerable<string> before, IEnumerable<string> now, string what)
    {
        var (old, current) = (before.ToHashSet(), now.ToHashSet());
        foreach (var name in current.Except(old)) Note(null, $"{what} {name} joined");
        foreach (var name in old.Except(current)) Note(null, $"{what} {name} left");
    }

    private void Add(DateTimeOffset at, string? study, string text)
    {
        var place = _lines.FindLastIndex(l => l.At <= at) + 1;
        _lines.Insert(place, new LogLine(++_number, at, study, text));
        if (_lines.Count > Kept) _lines.RemoveRange(0, _lines.Count - Kept);
    }
}
