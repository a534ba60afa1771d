using System.Data.Common;
using System.Globalization;
using InterpActors.Messages.Serialization;
using InterpActors.Messages.Studies;
using Npgsql;

namespace InterpActors.Actors.Journal;

/// <summary>
/// A journal in a PostgreSQL database (of its own, or in a schema of its own by <c>Search Path</c>), from outside the actor system. Several
/// coordinators may have it open; <see cref="Lease"/> says which of them leads.
/// </summary>
/// <param name="connectionString">As Npgsql understands it.</param>
public sealed class JournalDatabase(string connectionString) : JournalLocation
{
    /// <summary>"IAJ1", as in a file: two coordinators that start at a time make the tables one after the other.</summary>
    private const string Lock = "SELECT pg_advisory_xact_lock(1229015601)";

    public override string Name { get; } = NameOf(new NpgsqlConnectionStringBuilder(connectionString));

    public override string ConnectionString => connectionString;

    public override string Settings => "persistence-postgres";

    public override void Prepare()
    {
        try
        {
            using var connection = Open();
            using var transaction = connection.BeginTransaction();
            Run(connection, Lock);
            if (Number(connection, "SELECT count(*) FROM pg_class WHERE oid = to_regclass('journal_format')") == 0)
            {
                if (Number(connection, "SELECT count(*) FROM pg_class WHERE oid IN (to_regclass('journal'), to_regclass('snapshot'))") > 0)
                    throw new StudyException(
                        $"journal {Name}: its tables are not a journal of this program", null, "name another database");
                Run(connection, JournalSchema.Postgres);
                Run(connection, $"INSERT INTO journal_format VALUES ({WireFormat.JournalVersion})");
            }
            var version = Number(connection, "SELECT max(version) FROM journal_format");
            if (version > WireFormat.JournalVersion)
            {
                var formats = $"format {version}, this one reads {WireFormat.JournalVersion}";
                throw new StudyException($"journal {Name}: written by a newer version ({formats}); use that version");
            }
            transaction.Commit();
        }
        catch (DbException e)
        {
            throw new StudyException(JournalTrouble.Describe(Name, e), null, null, e);
        }
    }

    public override void Release()
    {
        using var connection = new NpgsqlConnection(ConnectionString);
        NpgsqlConnection.ClearPool(connection);
    }

    public override IJournalLease Lease(string holder, string node, TimeSpan validity) =>
        new DatabaseLease(ConnectionString, holder, node, validity);

    internal override DbConnection OpenForReading()
    {
        var connection = Open();
        try
        {
            Run(connection, "SET default_transaction_read_only = on");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>A connection outside the pool of the plugins: a reader must not keep a writer waiting.</summary>
    private NpgsqlConnection Open()
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(ConnectionString) { Pooling = false }.ConnectionString);
        try
        {
            connection.Open();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private static string NameOf(NpgsqlConnectionStringBuilder connection)
    {
        var user = string.IsNullOrEmpty(connection.Username) ? "" : $"{connection.Username}@";
        return $"postgres://{user}{connection.Host}:{connection.Port}/{connection.Database}";
    }

    private static long Number(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        return Convert.ToInt64(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }

    private static void Run(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        command.ExecuteNonQuery();
    }
}
