using Npgsql;

namespace InterpActors.Actors.Journal;

/// <summary>The lease as the one row of table <c>leadership</c>. Only the server's clock counts; every step is one statement.</summary>
internal sealed class DatabaseLease(string connectionString, string holder, string node, TimeSpan validity) : IJournalLease
{
    /// <summary>Beside the pool of the plugins, and quick to notice that the server is gone.</summary>
    private readonly string _connectionString = new NpgsqlConnectionStringBuilder(connectionString)
    {
        ApplicationName = "interp lease",
        MaxPoolSize = 1,
        CommandTimeout = 5,
    }.ConnectionString;

    public async Task<string?> TakeAsync()
    {
        var taken = await ExecuteAsync(
            """
            UPDATE leadership SET holder = $1, node = $2, valid_until = clock_timestamp() + $3
            WHERE holder = $1 OR valid_until < clock_timestamp() RETURNING node
            """,
            holder, node, validity);
        if (taken is not null) return null;
        return await ExecuteAsync("SELECT node FROM leadership")
            ?? throw new InvalidOperationException("table leadership has lost its row");
    }

    public async Task<bool> RenewAsync()
    {
        const string Renew = "UPDATE leadership SET valid_until = clock_timestamp() + $2 WHERE holder = $1 RETURNING node";
        return await ExecuteAsync(Renew, holder, validity) is not null;
    }

    public Task ReleaseAsync() =>
        ExecuteAsync("UPDATE leadership SET valid_until = '-infinity' WHERE holder = $1 RETURNING node", holder);

    /// <summary>The first row's first column; null without rows.</summary>
    private async Task<string?> ExecuteAsync(string sql, params object[] values)
    {
        await using var connection = new NpgsqlConnection(_connectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values) command.Parameters.Add(new NpgsqlParameter { Value = value });
        return await command.ExecuteScalarAsync() as string;
    }
}
