using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace InterpActors.TestSupport;

/// <summary>
/// A PostgreSQL server of the test's own, on loopback, in a folder that goes with it. It refuses to run as root, so then it runs as an
/// unprivileged user of the machine.
/// </summary>
public sealed class PostgresServer : IDisposable
{
    private const string User = "interp";
    private const string Password = "right";
    private static readonly string? Programs = FindPrograms();
    private static readonly string? Account = Environment.UserName == "root" ? FindAccount() : Environment.UserName;

    private readonly string _folder = Directory.CreateTempSubdirectory("postgres-").FullName;
    private readonly int _port = FreePort();
    private int _databases;

    public PostgresServer()
    {
        if (Unavailable is not null) return;
        Program("chown", Account!, _folder);
        File.WriteAllText(Path.Combine(_folder, "password"), Password);
        Program("chmod", "a+r", Path.Combine(_folder, "password"));
        Server(
            "initdb", "-D", Data, "-U", User, "--auth=scram-sha-256",
            "--pwfile", Path.Combine(_folder, "password"), "-E", "UTF8", "--no-sync");
        Start();
    }

    /// <summary>Why there can be no server here; null where there can.</summary>
    public static string? Unavailable { get; } =
        Programs is null ? "needs the programs of a PostgreSQL server (initdb, pg_ctl)"
        : Account is null ? "PostgreSQL does not run as root, and there is no user postgres or nobody, or no setpriv"
        : null;

    private string Data => Path.Combine(_folder, "data");

    /// <summary>A new, empty database: what Npgsql needs to reach it.</summary>
    public string CreateDatabase()
    {
        var name = $"test{Interlocked.Increment(ref _databases)}";
        using var connection = new NpgsqlConnection(Address("postgres") + ";Pooling=false");
        connection.Open();
        using var command = new NpgsqlCommand($"CREATE DATABASE {name}", connection);
        command.ExecuteNonQuery();
        return Address(name);
    }

    public void Start() => Server(
        "pg_ctl", "-D", Data, "-w", "-l", Path.Combine(_folder, "data", "server.log"), "-o",
        $"-p {_port} -k {_folder} -c listen_addresses=127.0.0.1 -c fsync=off -c shared_buffers=16MB -c max_connections=60", "start");

    /// <param name="how"><c>fast</c> ends sessions; <c>immediate</c> crashes.</param>
    public void Stop(string how) => Server("pg_ctl", "-D", Data, "-w", "-m", how, "stop");

    public void Dispose()
    {
        if (Unavailable is not null) return;
        NpgsqlConnection.ClearAllPools();
        try
        {
            if (File.Exists(Path.Combine(Data, "postmaster.pid"))) Stop("immediate");
        }
        finally
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    private string Address(string database) =>
        $"Host=127.0.0.1;Port={_port};Username={User};Password={Password};Database={database}";

    private static void Server(string program, params string[] arguments)
    {
        var path = Path.Combine(Programs!, program);
        if (Environment.UserName != "root") Program(path, arguments);
        else Program("setpriv", ["--reuid", Account!, "--regid", GroupOf(Account!), "--clear-groups", path, .. arguments]);
    }

    private static void Program(string program, params string[] arguments)
    {
        // The server keeps the streams that it inherits: none that somebody waits for.
        const string Silently = "exec \"$@\" </dev/null >/dev/null 2>&1";
        var start = new ProcessStartInfo("/bin/sh", ["-c", Silently, "sh", program, .. arguments]) { WorkingDirectory = "/" };
        using var process = Process.Start(start)!;
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: exit code {process.ExitCode}");
    }

    private static string? FindPrograms()
    {
        var onPath = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        const string Debian = "/usr/lib/postgresql";
        var installed = Directory.Exists(Debian)
            ? Directory.GetDirectories(Debian).OrderDescending().Select(d => Path.Combine(d, "bin"))
            : [];
        return onPath.Concat(installed).FirstOrDefault(
            d => File.Exists(Path.Combine(d, "initdb")) && File.Exists(Path.Combine(d, "pg_ctl")));
    }

    private static string? FindAccount()
    {
        if (!File.Exists("/usr/bin/setpriv") && !File.Exists("/bin/setpriv")) return null;
        return new[] { "postgres", "nobody" }.FirstOrDefault(user => Accounts().Any(a => a[0] == user));
    }

    private static string GroupOf(string user) => Accounts().First(a => a[0] == user)[3];

    private static IEnumerable<string[]> Accounts() => File.ReadLines("/etc/passwd").Select(l => l.Split(':')).Where(f => f.Length >= 4);

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

/// <summary>A test that needs a <see cref="PostgresServer"/>; skipped, with the reason, where there can be none.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PostgresFactAttribute : FactAttribute
{
    public PostgresFactAttribute() => Skip = PostgresServer.Unavailable;
}

/// <summary>The same with cases.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PostgresTheoryAttribute : TheoryAttribute
{
    public PostgresTheoryAttribute() => Skip = PostgresServer.Unavailable;
}

/// <summary>The tests that share one server.</summary>
[CollectionDefinition(nameof(PostgresServer))]
public sealed class PostgresServerTests : ICollectionFixture<PostgresServer>;
