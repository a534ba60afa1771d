using Microsoft.Data.Sqlite;

namespace InterpActors.Actors.Journal;

/// <summary>Says in one line what is wrong with a journal and what to do.</summary>
public static class JournalTrouble
{
    private const int DiskFull = 13;
    private const int InputOutput = 10;
    private const int Busy = 5;
    private const int Corrupt = 11;
    private const int NotADatabase = 26;
    private const int ReadOnly = 8;
    private const int CannotOpen = 14;

    /// <param name="journal">The journal's file, or what else names it.</param>
    public static string Describe(string journal, Exception cause)
    {
        var (problem, remedy) = Explain(cause);
        return $"journal {journal}: {problem}; {remedy}".ReplaceLineEndings(" ");
    }

    private static (string Problem, string Remedy) Explain(Exception cause)
    {
        foreach (var e in Chain(cause))
        {
            switch (e)
            {
                case SqliteException { SqliteErrorCode: DiskFull }:
                    return ("disk full", "free space and run again, the study goes on where it was");
                case SqliteException { SqliteErrorCode: InputOutput } s:
                    var code = s.SqliteExtendedErrorCode;
                    return ($"read or write error ({code}, often a full disk)", "free space, check the disk and run again");
                case SqliteException { SqliteErrorCode: Busy }:
                    return ("held by another process", "end that process or choose another output folder");
                case SqliteException { SqliteErrorCode: Corrupt or NotADatabase } s:
                    return ($"damaged ({s.Message})", "restore it from a backup or choose another output folder");
                case SqliteException { SqliteErrorCode: ReadOnly or CannotOpen } s:
                    return ($"not writable ({s.Message})", "check the folder's permissions");
                case IOException io when IsDiskFull(io):
                    return ("disk full", "free space and run again, the study goes on where it was");
            }
        }
        return ($"could not be written ({Innermost(cause).Message})", "run again, the study goes on where it was");
    }

    /// <summary>True for "no space left on device" and "disk quota exceeded".</summary>
    public static bool IsDiskFull(IOException e) => (e.HResult & 0xFFFF) is 28 or 39 or 112 or 122;

    private static IEnumerable<Exception> Chain(Exception? e)
    {
        for (; e is not null; e = e.InnerException)
        {
            yield return e;
            if (e is AggregateException many)
                foreach (var inner in many.InnerExceptions.SelectMany(Chain)) yield return inner;
        }
    }

    private static Exception Innermost(Exception e) => Chain(e).Last();
}
