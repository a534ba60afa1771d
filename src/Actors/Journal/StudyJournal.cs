using InterpActors.Actors.Studies;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Serialization;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using Microsoft.Data.Sqlite;

namespace InterpActors.Actors.Journal;

/// <summary>
/// Reads one study's events straight from the SQLite file, beside a running process or without one: its state, its history and the payloads
/// in any order. Memory: eight bytes a unit; payloads are read one at a time.
/// </summary>
public sealed class StudyJournal : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly SqliteCommand _payload;
    private readonly StudyRunState _state = new();
    private readonly StudyId _id;
    private long[] _rows = [];
    private long _folded;

    private StudyJournal(string path, StudyId id)
    {
        _id = id;
        _connection = JournalFile.OpenForReading(path);
        _payload = _connection.CreateCommand();
        _payload.CommandText = "SELECT message, manifest FROM journal WHERE ordering = $row";
        _payload.Parameters.Add("$row", SqliteType.Integer);
    }

    /// <summary>The study as it was first submitted; null where the journal has none of this id.</summary>
    public Study? Study => _state.Study;

    public long Planned => _state.Units;

    /// <exception cref="StudyException">The file is no journal or is damaged.</exception>
    public static StudyJournal Read(string path, StudyId id)
    {
        StudyJournal? journal = null;
        try
        {
            journal = new StudyJournal(path, id);
            journal.Fold();
            return journal;
        }
        catch (Exception e) when (e is SqliteException or System.Runtime.Serialization.SerializationException)
        {
            journal?.Dispose();
            throw new StudyException(JournalTrouble.Describe(path, e), null, null, e);
        }
    }

    /// <summary>Reads what has been written since.</summary>
    /// <exception cref="StudyException">The journal cannot be read.</exception>
    public void Refresh()
    {
        try
        {
            Fold();
        }
        catch (SqliteException e)
        {
            throw new StudyException(JournalTrouble.Describe(_connection.DataSource, e), null, null, e);
        }
    }

    /// <summary>What the journal tells, joined with the ledger's count of computed units.</summary>
    public RunHistory History(IComputedLedger ledger) =>
        _state.History(_state.Study is null ? new Dictionary<string, long>() : ledger.Count(_state.Study.Id));

    /// <summary>A unit's payload; null where it has none. Thread-safe.</summary>
    public byte[]? Payload(long ordinal)
    {
        lock (_payload)
        {
            if (ordinal < 0 || ordinal >= _rows.Length || _rows[ordinal] == 0) return null;
            _payload.Parameters[0].Value = _rows[ordinal];
            using var reader = _payload.ExecuteReader();
            return reader.Read() ? ((UnitCompleted)Event(reader, 0)).Payload : null;
        }
    }

    public void Dispose()
    {
        _payload.Dispose();
        _connection.Dispose();
    }

    private void Fold()
    {
        lock (_payload) FoldLocked();
    }

    private void FoldLocked()
    {
        using var command = _connection.CreateCommand();
        command.CommandText =
            "SELECT message, manifest, ordering, sequence_number FROM journal WHERE persistence_id = $id AND sequence_number > $folded ORDER BY sequence_number";
        command.Parameters.AddWithValue("$id", StudySupervisor.PersistenceIdOf(_id));
        command.Parameters.AddWithValue("$folded", _folded);
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            var happened = Event(reader, 0);
            if (happened is UnitCompleted done && done.Ordinal < _rows.Length && _rows[done.Ordinal] == 0)
                _rows[done.Ordinal] = reader.GetInt64(2);
            _state.Apply(happened);
            if (happened is StudyPlanned) _rows = new long[_state.Units];
            _folded = reader.GetInt64(3);
        }
    }

    private static IStudyEvent Event(SqliteDataReader reader, int column) =>
        (IStudyEvent)WireFormat.Read(reader.GetFieldValue<byte[]>(column), reader.GetString(column + 1));
}
