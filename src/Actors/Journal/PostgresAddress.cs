using InterpActors.Messages.Studies;
using Npgsql;

namespace InterpActors.Actors.Journal;

/// <summary>The two ways to write where a PostgreSQL database is.</summary>
internal static class PostgresAddress
{
    private const string Prefix = "postgres:";

    /// <summary>Short times: a server that is gone is to be noticed, and tried again, within seconds.</summary>
    private const string Defaults = "Timeout=5;Command Timeout=30;Keepalive=5;Maximum Pool Size=16;Application Name=interp";

    private const string Remedy =
        "write postgres://USER@HOST:PORT/DATABASE, or postgres: and a connection string like Host=H;Username=U;Database=D; "
        + "the password may come from PGPASSWORD";

    /// <summary>Names of libpq's that differ from Npgsql's by more than an underscore.</summary>
    private static readonly Dictionary<string, string> Synonyms = new(StringComparer.OrdinalIgnoreCase)
    {
        ["dbname"] = "Database",
        ["user"] = "Username",
        ["connect_timeout"] = "Timeout",
        ["sslrootcert"] = "Root Certificate",
        ["sslcert"] = "SSL Certificate",
        ["sslkey"] = "SSL Key",
        ["application_name"] = "Application Name",
        ["sslmode"] = "SSL Mode",
    };

    /// <summary>The connection string, with our own defaults where it says nothing; null where the text begins like neither way.</summary>
    /// <exception cref="StudyException">It cannot be understood.</exception>
    public static string? Parse(string text)
    {
        var isUri = text.StartsWith("postgres://", StringComparison.Ordinal) || text.StartsWith("postgresql://", StringComparison.Ordinal);
        if (!isUri && !text.StartsWith(Prefix, StringComparison.Ordinal)) return null;
        try
        {
            var connection = isUri ? FromUri(text) : new NpgsqlConnectionStringBuilder($"{Defaults};{text[Prefix.Length..]}");
            if (string.IsNullOrEmpty(connection.Host)) throw new ArgumentException("it names no host");
            return connection.ConnectionString;
        }
        catch (Exception e) when (e is ArgumentException or UriFormatException or FormatException or OverflowException)
        {
            // Without the text itself: it may hold a password.
            var why = e.Message.ReplaceLineEndings(" ");
            throw new StudyException($"the address of the PostgreSQL journal cannot be read ({why})", "--journal", Remedy, e);
        }
    }

    private static NpgsqlConnectionStringBuilder FromUri(string text)
    {
        var uri = new Uri(text);
        var connection = new NpgsqlConnectionStringBuilder(Defaults);
        if (uri.Host.Length > 0) connection.Host = uri.IdnHost;
        if (uri.Port > 0) connection.Port = uri.Port;
        var user = uri.UserInfo.Split(':', 2);
        if (user[0].Length > 0) connection.Username = Uri.UnescapeDataString(user[0]);
        if (user.Length == 2) connection.Password = Uri.UnescapeDataString(user[1]);
        if (uri.AbsolutePath.Trim('/') is { Length: > 0 } database) connection.Database = Uri.UnescapeDataString(database);
        foreach (var pair in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = pair.Split('=', 2);
            if (parts.Length != 2) throw new FormatException($"'{parts[0]}' has no value");
            var value = Uri.UnescapeDataString(parts[1]);
            connection[Synonyms.GetValueOrDefault(parts[0], parts[0])] = parts[0] == "sslmode" ? value.Replace("-", "") : value;
        }
        return connection;
    }
}
