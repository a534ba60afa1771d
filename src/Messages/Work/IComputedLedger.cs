using InterpActors.Messages.Studies;

namespace InterpActors.Messages.Work;

/// <summary>
/// Remembers every unit that an engine finished, before its result travels to the journal: the honest count of work done, also after
/// a process was killed between computing and committing. Thread-safe.
/// </summary>
public interface IComputedLedger
{
    /// <summary>Notes one computed unit.</summary>
    /// <returns>How many units of the study this process has computed by now.</returns>
    /// <exception cref="LedgerException">It could not be written; the study must stop rather than miscount.</exception>
    long Append(StudyId study, string process, long ordinal, int attempt);

    /// <summary>Computed units of a study by process.</summary>
    IReadOnlyDictionary<string, long> Count(StudyId study);

    /// <summary>The studies that units were noted of, oldest first.</summary>
    IReadOnlyList<StudyId> Studies();
}
