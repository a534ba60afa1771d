using System.Data.Common;
using System.Runtime.Serialization;
using InterpActors.Actors.Studies;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Serialization;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Journal;

/// <summary>
/// Reads one study straight from the journal, beside a running process or without one: its state and history from its last snapshot and the
/// events after it, and the payloads in any order, for which all events are read once. Memory: two bits a unit, with payloads eight bytes
/// more; payloads are read one at a time.
/// </summary>
public sealed class StudyJournal
{
    /// <summary>Events read in one go; then others that read the same journal have their turn.</summary>
    private const int Page = 5000;

    private const string LastSnapshot =
        "SELECT snapshot, manifest, sequence_number FROM snapshot WHERE persistence_id = @p0 ORDER BY sequence_number DESC LIMIT 1";

    private const string FirstEvent = "SELECT message, manifest FROM journal WHERE persistence_id = @p0 AND sequence_number = 1";

    private const string OneEvent = "SELECT message, manifest FROM journal WHERE ordering = @p0";

    private const string Events = """
        SELECT message, manifest, ordering, sequence_number FROM journal
        WHERE persistence_id = @p0 AND sequence_number > @p1 ORDER BY sequence_number LIMIT @p2
        """;

    private readonly Lock _gate = new();
    private readonly JournalReader _reader;
    private readonly string _id;
    private StudyRunState _state = new();

    /// <summary>The sequence number of the last event in <see cref="_state"/>.</summary>
    private long _folded;

    /// <summary>Where each unit's result is in the journal, of the events up to <see cref="_indexed"/>; 0 for none.</summary>
    private long[] _rows = [];
    private long _indexed;

    private StudyJournal(JournalReader reader, StudyId id) => (_reader, _id) = (reader, StudySupervisor.PersistenceIdOf(id));

    /// <summary>The study as it was first submitted; null where the journal has none of this id.</summary>
    public Study? Study { get; private set; }

    public long Planned => _state.Units;

    /// <summary>Units with a result.</summary>
    public long Committed => _state.Committed.Count;

    /// <param name="reader">Stays the caller's.</param>
    /// <exception cref="StudyException">The journal is none, is damaged or cannot be reached.</exception>
    public static StudyJournal Read(JournalReader reader, StudyId id)
    {
        var journal = new StudyJournal(reader, id);
        journal.Begin();
        journal.Refresh();
        return journal;
    }

    /// <summary>Reads what has been written since.</summary>
    /// <exception cref="StudyException">The journal cannot be read.</exception>
    public void Refresh()
    {
        lock (_gate) ReadPages(() => _folded, Fold);
    }

    /// <summary>What the journal tells, joined with the ledger's count of computed units.</summary>
    public RunHistory History(IComputedLedger ledger) =>
        _state.History(Study is null ? new Dictionary<string, long>() : ledger.Count(Study.Id));

    /// <summary>A unit's payload; null where it had none at the last refresh. The first call reads all events. Thread-safe.</summary>
    /// <exception cref="StudyException">The journal cannot be read.</exception>
    public byte[]? Payload(long ordinal)
    {
        var row = Row(ordinal);
        if (row == 0) return null;
        byte[]? payload = null;
        _reader.Read(OneEvent, () => [row], found => payload = ((UnitCompleted)Event(found)).Payload);
        return payload;
    }

    private long Row(long ordinal)
    {
        lock (_gate)
        {
            if (!_state.Committed[ordinal]) return 0;
            if (_indexed < _folded) ReadPages(() => _indexed, row => Index(Event(row), row));
            return _rows[ordinal];
        }
    }

    /// <summary>
    /// Begins with the last snapshot. Without one, or with one that cannot be read, every event is folded: none is ever deleted.
    /// </summary>
    private void Begin()
    {
        (byte[] Bytes, string Manifest, long At)? last = null;
        _reader.Read(LastSnapshot, () => [_id], row => last = (row.GetFieldValue<byte[]>(0), row.GetString(1), row.GetInt64(2)));
        if (last is not { } found) return;
        try
        {
            _state = StudyRunState.From((StudySnapshot)WireFormat.Read(found.Bytes, found.Manifest));
            _folded = found.At;
        }
        catch (Exception e) when (e is SerializationException or InvalidCastException or ArgumentException)
        {
            return;
        }
        _reader.Read(FirstEvent, () => [_id], row => Study = (Event(row) as StudySubmitted)?.Study);
    }

    private void ReadPages(Func<long> from, Action<DbDataReader> take)
    {
        int rows;
        do
        {
            rows = 0;
            _reader.Read(Events, () => [_id, from(), Page], row =>
            {
                take(row);
                rows++;
            });
        }
        while (rows >= Page);
    }

    private void Fold(DbDataReader row)
    {
        var happened = Event(row);
        if (happened is StudySubmitted submitted) Study ??= submitted.Study;
        _state.Apply(happened);
        if (_indexed == _folded) Index(happened, row);
        _folded = row.GetInt64(3);
    }

    private void Index(IStudyEvent happened, DbDataReader row)
    {
        if (_rows.Length != _state.Units) _rows = new long[_state.Units];
        if (happened is UnitCompleted done && done.Ordinal < _rows.Length && _rows[done.Ordinal] == 0)
            _rows[done.Ordinal] = row.GetInt64(2);
        _indexed = row.GetInt64(3);
    }

    private static IStudyEvent Event(DbDataReader row) => (IStudyEvent)WireFormat.Read(row.GetFieldValue<byte[]>(0), row.GetString(1));
}
