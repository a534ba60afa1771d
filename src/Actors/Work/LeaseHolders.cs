using InterpActors.Messages.Studies;

namespace InterpActors.Actors.Work;

/// <summary>Which workers hold a unit: nearly always one, so that settling a unit does not cost a look at every worker.</summary>
internal sealed class LeaseHolders
{
    private readonly Dictionary<(StudyId Study, long Ordinal), WorkerEntry[]> _holders = [];

    /// <summary>The workers that hold the unit, in the order they got it; a list of its own that later changes do not touch.</summary>
    public IReadOnlyList<WorkerEntry> Of(StudyId study, long ordinal) => _holders.GetValueOrDefault((study, ordinal), []);

    /// <summary>The worker holds the unit from now on; it did not before.</summary>
    public void Add(StudyId study, long ordinal, WorkerEntry worker) =>
        _holders[(study, ordinal)] = [.. _holders.GetValueOrDefault((study, ordinal), []), worker];

    public void Remove(StudyId study, long ordinal, WorkerEntry worker)
    {
        if (!_holders.TryGetValue((study, ordinal), out var holders)) return;
        if (holders is [var only] && only == worker) _holders.Remove((study, ordinal));
        else _holders[(study, ordinal)] = [.. holders.Where(h => h != worker)];
    }
}
