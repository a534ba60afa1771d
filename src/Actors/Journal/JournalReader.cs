using System.Data.Common;
using InterpActors.Messages.Studies;

namespace InterpActors.Actors.Journal;

/// <summary>
/// One connection that reads a journal beside the process that writes it, for all who read it here, one at a time. Opened when it is first
/// needed and again when the server had been away. Thread-safe.
/// </summary>
public sealed class JournalReader(JournalLocation location) : IDisposable
{
    private readonly Lock _gate = new();
    private DbConnection? _connection;
    private bool _disposed;

    /// <summary>Passes each row of a query on.</summary>
    /// <param name="sql">With parameters <c>@p0</c>, <c>@p1</c> ...</param>
    /// <param name="row">Called for a row at most once, unless the connection broke: then the query begins anew with the values that
    /// <paramref name="parameters"/> gives then.</param>
    /// <exception cref="StudyException">The journal cannot be read.</exception>
    public void Read(string sql, Func<object[]> parameters, Action<DbDataReader> row)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            // One that the server ended while nobody read, or whose end was noticed only after the last query had failed.
            if (IsBroken()) Close();
            var isFresh = _connection is null;
            try
            {
                try
                {
                    Query(sql, parameters(), row);
                }
                catch (DbException) when (!isFresh && IsBroken())
                {
                    Close();
                    Query(sql, parameters(), row);
                }
            }
            catch (Exception e) when (e is DbException or System.Runtime.Serialization.SerializationException)
            {
                if (IsBroken()) Close();
                throw new StudyException(JournalTrouble.Describe(location.Name, e), null, null, e);
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            Close();
        }
    }

    private void Query(string sql, object[] parameters, Action<DbDataReader> row)
    {
        _connection ??= location.OpenForReading();
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        for (var i = 0; i < parameters.Length; i++)
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = ($"@p{i}", parameters[i]);
            command.Parameters.Add(parameter);
        }
        using var reader = command.ExecuteReader();
        while (reader.Read()) row(reader);
    }

    private bool IsBroken() => _connection is not { State: System.Data.ConnectionState.Open };

    private void Close()
    {
        _connection?.Dispose();
        _connection = null;
    }
}
