using System.Net.Sockets;
using Microsoft.Data.Sqlite;
using Npgsql;

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
                case PostgresException p:
                    return Explain(p);
                case NpgsqlException { InnerException: SocketException or TimeoutException or IOException } n:
                    return ($"the server cannot be reached ({Innermost(n).Message})", "start it, or check its address");
                case NpgsqlException n:
                    return (n.Message.TrimEnd('.'), "check the address, the user and PGPASSWORD");
                case IOException io when IsDiskFull(io):
                    return ("disk full", "free space and run again, the study goes on where it was");
            }
        }
        return ($"could not be written ({Innermost(cause).Message})", "run again, the study goes on where it was");
    }

    private static (string Problem, string Remedy) Explain(PostgresException p) => p.SqlState switch
    {
        PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification =>
            ($"the server refuses the user ({p.MessageText})", "check the user, and the password in PGPASSWORD"),
        PostgresErrorCodes.InvalidCatalogName => (p.MessageText, "create it with createdb, or name another database"),
        PostgresErrorCodes.InsufficientPrivilege => (p.MessageText, "let the user create tables there, or name another database"),
        PostgresErrorCodes.ReadOnlySqlTransaction => ("the server is read-only, a replica perhaps", "name the server that takes writes"),
        PostgresErrorCodes.DiskFull => ("disk full on the server", "free space there, the study goes on where it was"),
        PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.CannotConnectNow =>
            ($"the server stops or starts ({p.MessageText})", "try again when it is up"),
        PostgresErrorCodes.TooManyConnections =>
            (p.MessageText, "raise the server's max_connections, or lower Maximum Pool Size in --journal"),
        PostgresErrorCodes.UniqueViolation => ("another coordinator has written to it meanwhile", "the study is read again from there"),
        _ => ($"{p.MessageText} ({p.SqlState})", "check the server's log"),
    };

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
