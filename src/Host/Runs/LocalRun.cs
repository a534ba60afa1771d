using InterpActors.Actors.Journal;
using InterpActors.Host.Hosting;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Runs;

/// <summary>A run on this machine, read from its folder, whether a process works on it or not.</summary>
public sealed class LocalRun : IDisposable
{
    private readonly JournalReader _reader;
    private readonly StudyJournal _journal;
    private readonly ComputedLog _ledger;

    private LocalRun(JournalFile file, Study study)
    {
        Study = study;
        _reader = new JournalReader(file);
        _journal = StudyJournal.Read(_reader, study.Id);
        _ledger = new ComputedLog(LocalNodeOptions.LedgerPath(file.Name));
        History = _journal.History(_ledger);
    }

    /// <summary>As it was first submitted.</summary>
    public Study Study { get; }

    public RunHistory History { get; }

    /// <summary>Opens the run of a folder.</summary>
    /// <exception cref="StudyException">There is none, or its journal cannot be used.</exception>
    public static LocalRun Open(string folder)
    {
        var file = new JournalFile(Path.Combine(folder, RunFolder.JournalName));
        var found = file.Inspect();
        if (found.Kind == JournalKind.Absent) throw new StudyException($"there is no {RunFolder.JournalName}", folder,
            "name the folder of a run");
        if (found.Problem is not null) throw new StudyException(found.Problem);
        return new LocalRun(file, found.Study ?? throw new StudyException("the journal holds no study yet", folder, "run the study again"));
    }

    /// <summary>A unit's payload; null where it has none.</summary>
    public byte[]? Payload(long ordinal) => _journal.Payload(ordinal);

    public void Dispose()
    {
        _reader.Dispose();
        _ledger.Dispose();
    }
}
