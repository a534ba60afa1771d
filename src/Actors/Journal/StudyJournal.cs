using System.Data.Common;
using InterpActors.Actors.Studies;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Serialization;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Journal;

/// <summary>
/// Reads one study's events straight from the journal, beside a running process or without one: its state, its history and the payloads
/// in any order. Memory: eight bytes a unit; payloads are read one at a time.
/// </summary>
public sealed class StudyJournal
{
    /// <summary>Events read in one go; then others that read the same journal have their turn.</summary>
    private const int Page = 5000;

    private const string Events = """
        SELECT message, manifest, ordering, sequence_number FROM journal
        WHERE persistence_id = @p0 AND sequence_number > @p1 ORDER BY sequence_number LIMIT @p2
        """;

    private readonly Lock _gate = new();
    private readonly JournalReader _reader;
    private readonly StudyRunState _state = new();
    private readonly string _id;
    private long[] _rows = [];
    private long _folded;

    private StudyJournal(JournalReader reader, StudyId id) => (_reader, _id) = (reader, StudySupervisor.PersistenceIdOf(id));

    /// <summary>The study as it was first submitted; null where the journal has none of this id.</summary>
    public Study? Study => _state.Study;

    public long Planned => _state.Units;

    /// <summary>Units with a result.</summary>
    public long Committed => _state.Committed.Count;

    /// <param name="reader">Stays the caller's.</param>
    /// <exception cref="StudyException">The journal is none, is damaged or cannot be reached.</exception>
    public static StudyJournal Read(JournalReader reader, StudyId id)
    {
        var journal = new StudyJournal(reader, id);
        journal.Refresh();
        return journal;
    }

    /// <summary>Reads what has been written since.</summary>
    /// <exception cref="StudyException">The journal cannot be read.</exception>
    public void Refresh()
    {
        lock (_gate)
        {
            int rows;
            do
            {
                rows = 0;
                _reader.Read(Events, () => [_id, _folded, Page], row =>
                {
                    Fold(row);
                    rows++;
                });
            }
            while (rows >= Page);
        }
    }

    /// <summary>What the journal tells, joined with the ledger's count of computed units.</summary>
    public RunHistory History(IComputedLedger ledger) =>
        _state.History(_state.Study is null ? new Dictionary<string, long>() : ledger.Count(_state.Study.Id));

    /// <summary>A unit's payload; null where it has none. Thread-safe.</summary>
    /// <exception cref="StudyException">The journal cannot be read.</exception>
    public byte[]? Payload(long ordinal)
    {
        var rows = _rows;
        if (ordinal < 0 || ordinal >= rows.Length || rows[ordinal] == 0) return null;
        byte[]? payload = null;
        _reader.Read(
            "SELECT message, manifest FROM journal WHERE ordering = @p0", () => [rows[ordinal]], row => payload = ((UnitCompleted)Event(row)).Payload);
        return payload;
    }

    private void Fold(DbDataReader row)
    {
        var happened = Event(row);
        if (happened is UnitCompleted done && done.Ordinal < _rows.Length && _rows[done.Ordinal] == 0) _rows[done.Ordinal] = row.GetInt64(2);
        _state.Apply(happened);
        if (happened is StudyPlanned) _rows = new long[_state.Units];
        _folded = row.GetInt64(3);
    }

    private static IStudyEvent Event(DbDataReader row) => (IStudyEvent)WireFormat.Read(row.GetFieldValue<byte[]>(0), row.GetString(1));
}
