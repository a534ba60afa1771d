using System.Data.Common;
using InterpActors.Actors.Studies;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Serialization;
using InterpActors.Messages.Studies;

namespace InterpActors.Actors.Journal;

/// <summary>
/// What a study's journal tells people: everything but the results. Read on from where it was; memory for the newest notes alone. Not
/// thread-safe.
/// </summary>
public sealed class StudyLog(JournalReader reader, StudyId study)
{
    /// <summary>Notes of one study that are kept.</summary>
    public const int Kept = 200;

    /// <summary>Events passed in one go; then others that read the same journal have their turn.</summary>
    private const long Window = 5000;

    private const string Last = "SELECT coalesce(max(sequence_number), 0) FROM journal WHERE persistence_id = @p0";

    private static readonly string Events = $"""
        SELECT message, manifest, created, sequence_number FROM journal
        WHERE persistence_id = @p0 AND sequence_number > @p1 AND sequence_number <= @p2
          AND manifest <> '{WireFormat.ManifestOf(typeof(UnitCompleted))}' ORDER BY sequence_number
        """;

    private readonly string _id = StudySupervisor.PersistenceIdOf(study);
    private readonly Queue<StudyNote> _notes = new();
    private long _read;

    /// <summary>The newest notes, oldest first.</summary>
    public IReadOnlyList<StudyNote> Notes => [.. _notes];

    /// <summary>Reads what has been written since.</summary>
    /// <exception cref="StudyException">The journal cannot be read.</exception>
    public void Refresh()
    {
        long last = 0;
        reader.Read(Last, () => [_id], row => last = row.GetInt64(0));
        while (_read < last)
        {
            var to = Math.Min(last, _read + Window);
            var found = new List<StudyNote>();
            reader.Read(Events, () =>
            {
                found.Clear();
                return [_id, _read, to];
            }, row => Add(found, row));
            foreach (var note in found) _notes.Enqueue(note);
            while (_notes.Count > Kept) _notes.Dequeue();
            _read = to;
        }
    }

    private static void Add(List<StudyNote> notes, DbDataReader row)
    {
        if (WireFormat.Read(row.GetFieldValue<byte[]>(0), row.GetString(1)) is IStudyEvent happened && Words(happened) is { } text)
            notes.Add(new StudyNote(row.GetInt64(3), new DateTimeOffset(row.GetInt64(2), TimeSpan.Zero), text));
    }

    /// <summary>An event in words; null for those that are no news.</summary>
    private static string? Words(IStudyEvent happened) => happened switch
    {
        StudySubmitted => "submitted",
        StudyPlanned e => FormattableString.Invariant($"planned: {e.Units:N0} units, {e.Cells:N0} cells"),
        CoordinatorStarted e => $"taken up by the coordinator at {e.Node}",
        StudyPrioritised e => $"priority {e.Priority}",
        ProcessStarted e => $"process {e.Process} began to compute",
        ProcessEnded e => $"process {e.Process} ended in good order",
        UnitWarned e => $"{e.Line} (on {e.Process})",
        UnitFailed e => $"unit {e.Ordinal} failed at try {e.Attempt} ({e.Kind.ToString().ToLowerInvariant()}) on {e.Process}: {e.Error}",
        UnitGivenUp e => $"given up after {e.Attempts} tries: {e.Label}: {e.Error}",
        StudyPaused => "paused",
        StudyResumed => "resumed",
        StudyCancelled => "cancelled",
        StudyCompleted e => e.WithErrors ? "completed with errors" : "completed",
        _ => null,
    };
}
