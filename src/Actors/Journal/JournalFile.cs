using System.Buffers.Binary;
using System.Data.Common;
using System.Globalization;
using System.Runtime.Serialization;
using Akka.Persistence.Sql.Config;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Serialization;
using InterpActors.Messages.Studies;
using LinqToDB;
using Microsoft.Data.Sqlite;
using SQLitePCL;

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

/// <summary>A journal in an SQLite file, from outside the actor system.</summary>
public sealed class JournalFile(string path) : JournalLocation
{
    /// <summary>In milliseconds: longer than any transaction here, shorter than a command may take.</summary>
    private const int WriterPatience = 10_000;

    public override string Name => path;

    /// <summary>A plain file, no shared cache; <c>synchronous</c> stays FULL.</summary>
    public override string ConnectionString { get; } =
        new SqliteConnectionStringBuilder { DataSource = path, DefaultTimeout = 30 }.ToString();

    public override string Settings => "persistence-sqlite";

    /// <summary>
    /// Events and snapshots have a connection each, and one of them waits when both write. By itself the SQLite client sleeps 150 ms then,
    /// about a hundred commits long; SQLite's own waiting, which is set for each connection, looks again after 1, 2, 5 ms and so on.
    /// </summary>
    public override DataOptionsSetup Setup => new(PluginConnections);

    internal DataOptions PluginConnections => new DataOptions()
        .UseConnectionString(ProviderName.SQLiteMS, ConnectionString)
        .UseAfterConnectionOpened(WaitForWriters, (connection, _) =>
        {
            WaitForWriters(connection);
            return Task.CompletedTask;
        });

    /// <summary>Looks at the file without changing what it says or starting anything.</summary>
    public JournalInspection Inspect()
    {
        if (!File.Exists(path)) return new(JournalKind.Absent, 0, null, null);
        try
        {
            if (!HasOurHeader()) return Foreign();
            using var connection = Open();
            var version = Pragma(connection, "user_version");
            var isOurs = Pragma(connection, "application_id") == JournalSchema.ApplicationId;
            var tables = Number(connection, "SELECT count(*) FROM sqlite_master");
            if (tables == 0) return new(JournalKind.Empty, isOurs ? version : 0, null, null);
            if (!isOurs) return Foreign();
            if (version > WireFormat.JournalVersion)
            {
                var formats = $"format {version}, this one reads {WireFormat.JournalVersion}";
                return new(JournalKind.Newer, version, null, $"journal {path}: written by a newer version ({formats}); use that version");
            }
            var study = FirstStudy(connection);
            return new(study is null ? JournalKind.Empty : JournalKind.Ok, version, study, null);
        }
        catch (Exception e) when (e is SqliteException or SerializationException or IOException or UnauthorizedAccessException)
        {
            return new(JournalKind.NotAJournal, 0, null, JournalTrouble.Describe(path, e));
        }
    }

    private static void WaitForWriters(DbConnection connection) =>
        raw.sqlite3_busy_timeout(((SqliteConnection)connection).Handle, WriterPatience);

    private JournalInspection Foreign() =>
        new(JournalKind.NotAJournal, 0, null, $"journal {path}: is not a journal of this program; choose another output folder");

    /// <summary>False for what no process of ours can have left: so a file of something else is never opened as a database.</summary>
    private bool HasOurHeader()
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        Span<byte> header = stackalloc byte[100];
        var read = file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false);
        if (read == 0) return true;
        return read == header.Length && header.StartsWith("SQLite format 3\0"u8)
            && BinaryPrimitives.ReadInt32BigEndian(header[68..]) is 0 or JournalSchema.ApplicationId;
    }

    /// <summary>
    /// Makes the file and its tables unless they are there, with write-ahead logging: committed events survive a kill at any moment, and a
    /// full disk leaves the last good state.
    /// </summary>
    /// <exception cref="StudyException">The file cannot be written or is not a journal of this version.</exception>
    public override void Prepare()
    {
        var found = Inspect();
        if (found.Problem is not null) throw new StudyException(found.Problem);
        try
        {
            using var connection = new SqliteConnection(ConnectionString);
            connection.Open();
            if (found.Kind != JournalKind.Ok)
            {
                using var transaction = connection.BeginTransaction();
                Run(connection, $"PRAGMA application_id={JournalSchema.ApplicationId}");
                Run(connection, $"PRAGMA user_version={WireFormat.JournalVersion}");
                Run(connection, JournalSchema.Sqlite);
                transaction.Commit();
            }
            // Afterwards, so that the file's own header says what it is, whatever the log beside it holds.
            Run(connection, "PRAGMA journal_mode=WAL");
        }
        catch (SqliteException e)
        {
            throw new StudyException(JournalTrouble.Describe(path, e), null, null, e);
        }
    }

    /// <summary>Closes pooled connections and folds the write-ahead log into the file, as far as nobody else holds it.</summary>
    public override void Release()
    {
        using (var connection = new SqliteConnection(ConnectionString)) SqliteConnection.ClearPool(connection);
        if (!File.Exists(path)) return;
        try
        {
            using var last = Open();
            Run(last, "SELECT count(*) FROM sqlite_master");
        }
        catch (SqliteException)
        {
            // A full disk or a lost folder: the log stays beside the file and is folded in another time.
        }
    }

    /// <summary>
    /// A connection that only reads, but may clean up after a killed process as it closes; where the folder is not writable, one that
    /// cannot.
    /// </summary>
    internal override DbConnection OpenForReading() => Open();

    private SqliteConnection Open()
    {
        try
        {
            return Open(SqliteOpenMode.ReadWrite);
        }
        catch (SqliteException e) when (e.SqliteErrorCode is 8 or 14)
        {
            return Open(SqliteOpenMode.ReadOnly);
        }
    }

    private SqliteConnection Open(SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder { DataSource = path, DefaultTimeout = 30, Mode = mode, Pooling = false }.ToString());
        try
        {
            connection.Open();
            Run(connection, "PRAGMA query_only=1");
            Number(connection, "PRAGMA user_version");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private static Study? FirstStudy(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText =
            "SELECT message, manifest FROM journal WHERE sequence_number = 1 AND persistence_id LIKE 'study-%' ORDER BY ordering LIMIT 1";
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
