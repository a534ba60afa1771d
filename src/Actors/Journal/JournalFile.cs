using System.Globalization;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Serialization;
using InterpActors.Messages.Studies;
using Microsoft.Data.Sqlite;

namespace InterpActors.Actors.Journal;

/// <summary>What a file is, seen from outside.</summary>
public enum JournalKind
{
    /// <summary>There is no file.</summary>
    Absent,

    /// <summary>A journal without a study (its process was killed before it got that far), or an empty file.</summary>
    Empty,

    /// <summary>A journal that can be gone on with.</summary>
    Ok,

    /// <summary>Written by a newer version.</summary>
    Newer,

    /// <summary>Something else, or damaged.</summary>
    NotAJournal,
}

/// <summary>What <see cref="JournalFile.Inspect"/> found.</summary>
/// <param name="Version">The format's version; 0 where there is none.</param>
/// <param name="Study">The study of a single-machine journal as it was first submitted.</param>
/// <param name="Problem">Why the file cannot be used; null for Absent, Empty and Ok.</param>
public sealed record JournalInspection(JournalKind Kind, int Version, Study? Study, string? Problem);

/// <summary>The SQLite file of a journal, from outside the actor system.</summary>
public static class JournalFile
{
    /// <summary>The connection string that everything uses: a plain file, no shared cache; <c>synchronous</c> stays FULL.</summary>
    public static string ConnectionString(string path) => new SqliteConnectionStringBuilder { DataSource = path, DefaultTimeout = 30 }.ToString();

    /// <summary>Looks at a file without changing it or starting anything.</summary>
    public static JournalInspection Inspect(string path)
    {
        if (!File.Exists(path)) return new(JournalKind.Absent, 0, null, null);
        try
        {
            using var connection = OpenForReading(path);
            var version = Pragma(connection, "user_version");
            if (Number(connection, "SELECT count(*) FROM sqlite_master") == 0 && Pragma(connection, "application_id") is 0 or JournalSchema.ApplicationId)
                return new(JournalKind.Empty, version, null, null);
            if (Pragma(connection, "application_id") != JournalSchema.ApplicationId)
                return new(JournalKind.NotAJournal, 0, null, $"journal {path}: is the database of another program; choose another output folder");
            if (version > WireFormat.JournalVersion)
                return new(JournalKind.Newer, version, null, $"journal {path}: written by a newer version (format {version}, this one reads {WireFormat.JournalVersion}); use that version");
            var study = FirstStudy(connection);
            return new(study is null ? JournalKind.Empty : JournalKind.Ok, version, study, null);
        }
        catch (Exception e) when (e is SqliteException or System.Runtime.Serialization.SerializationException)
        {
            return new(JournalKind.NotAJournal, 0, null, JournalTrouble.Describe(path, e));
        }
        finally
        {
            Release(path);
        }
    }

    /// <summary>
    /// Makes the file and its tables unless they are there, with write-ahead logging: committed events survive a kill at any moment, and a full
    /// disk leaves the last good state.
    /// </summary>
    /// <exception cref="StudyException">The file cannot be written or is not a journal of this version.</exception>
    public static void Prepare(string path)
    {
        var found = Inspect(path);
        if (found.Problem is not null) throw new StudyException(found.Problem);
        try
        {
            using var connection = new SqliteConnection(ConnectionString(path));
            connection.Open();
            Run(connection, "PRAGMA journal_mode=WAL");
            if (found.Kind == JournalKind.Ok) return;
            using var transaction = connection.BeginTransaction();
            Run(connection, $"PRAGMA application_id={JournalSchema.ApplicationId}");
            Run(connection, $"PRAGMA user_version={WireFormat.JournalVersion}");
            Run(connection, JournalSchema.Create);
            transaction.Commit();
        }
        catch (SqliteException e)
        {
            throw new StudyException(JournalTrouble.Describe(path, e), null, null, e);
        }
    }

    /// <summary>Closes pooled connections, so that the last one folds the write-ahead log into the file.</summary>
    public static void Release(string path)
    {
        using (var connection = new SqliteConnection(ConnectionString(path))) SqliteConnection.ClearPool(connection);
        using (var reading = new SqliteConnection(ReadingString(path))) SqliteConnection.ClearPool(reading);
    }

    internal static SqliteConnection OpenForReading(string path)
    {
        var connection = new SqliteConnection(ReadingString(path));
        connection.Open();
        return connection;
    }

    private static string ReadingString(string path) =>
        new SqliteConnectionStringBuilder { DataSource = path, DefaultTimeout = 30, Mode = SqliteOpenMode.ReadOnly }.ToString();

    private static Study? FirstStudy(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT message, manifest FROM journal WHERE sequence_number = 1 AND persistence_id LIKE 'study-%' ORDER BY ordering LIMIT 1";
        using var reader = command.ExecuteReader();
        if (!reader.Read()) return null;
        return (WireFormat.Read(reader.GetFieldValue<byte[]>(0), reader.GetString(1)) as StudySubmitted)?.Study;
    }

    private static int Pragma(SqliteConnection connection, string name) => (int)Number(connection, $"PRAGMA {name}");

    private static long Number(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return Convert.ToInt64(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }

    private static void Run(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
