using InterpActors.Actors.Journal;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Serialization;
using InterpActors.Messages.Studies;
using InterpActors.TestSupport;
using Npgsql;

namespace InterpActors.Actors.Tests.Journal;

[Collection(nameof(PostgresServer))]
public class JournalDatabaseTests(PostgresServer server)
{
    private static readonly Study Study = FakePlanner.Study();
    private static readonly DateTimeOffset At = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static void Execute(string address, string sql, params object[] values)
    {
        using var connection = new NpgsqlConnection(address);
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values) command.Parameters.Add(new NpgsqlParameter { Value = value });
        command.ExecuteNonQuery();
    }

    private static void Write(string address, int from, params IStudyEvent[] events)
    {
        for (var i = 0; i < events.Length; i++)
        {
            Execute(
                address,
                """
                INSERT INTO journal (created, deleted, persistence_id, sequence_number, message, manifest, identifier)
                VALUES (0, false, $1, $2, $3, $4, 4243)
                """,
                $"study-{Study.Id}", (long)(from + i), WireFormat.Write(events[i]), WireFormat.ManifestOf(events[i].GetType()));
        }
    }

    [PostgresFact]
    public void A_journal_is_made_once_and_read_beside_its_writer()
    {
        var address = server.CreateDatabase();
        var journal = new JournalDatabase(address);
        Parallel.For(0, 4, _ => journal.Prepare());
        using var reader = new JournalReader(journal);
        Assert.Null(StudyJournal.Read(reader, Study.Id).Study);

        Write(address, 1, new StudySubmitted(Study, At), new StudyPlanned(3, 9), new UnitCompleted(2, 1, "p", [2], null));
        var read = StudyJournal.Read(reader, Study.Id);
        Assert.Equal([null, null, [2], null], Enumerable.Range(0, 4).Select(i => read.Payload(i)));
        Write(address, 4, new UnitCompleted(0, 1, "p", [0], null), new UnitCompleted(2, 2, "p", [99], null));
        read.Refresh();
        Assert.Equal([[0], null, [2], null], Enumerable.Range(0, 4).Select(i => read.Payload(i)));
        Assert.Equal(2, read.History(new NoLedger()).Committed);
    }

    [PostgresFact]
    public void A_reader_goes_on_after_the_server_was_away()
    {
        var address = server.CreateDatabase();
        var journal = new JournalDatabase(address);
        journal.Prepare();
        Write(address, 1, new StudySubmitted(Study, At), new StudyPlanned(1, 9), new UnitCompleted(0, 1, "p", [7], null));
        using var reader = new JournalReader(journal);
        var read = StudyJournal.Read(reader, Study.Id);

        server.Stop("immediate");
        Assert.Contains("the server cannot be reached", Assert.Throws<StudyException>(() => read.Payload(0)).Message);
        server.Start();
        NpgsqlConnection.ClearAllPools();
        Assert.Equal([7], read.Payload(0));
        server.Stop("fast");
        server.Start();
        Assert.Equal([7], read.Payload(0));
        read.Refresh();
    }

    [PostgresFact]
    public async Task A_reader_that_never_rests_outlives_restarts_of_the_server()
    {
        var address = server.CreateDatabase();
        var journal = new JournalDatabase(address);
        journal.Prepare();
        Write(address, 1, new StudySubmitted(Study, At), new StudyPlanned(1, 9), new UnitCompleted(0, 1, "p", [7], null));
        using var reader = new JournalReader(journal);
        var read = StudyJournal.Read(reader, Study.Id);
        using var enough = new CancellationTokenSource();
        var reading = Task.Run(() =>
        {
            while (!enough.IsCancellationRequested)
            {
                try
                {
                    Assert.Equal([7], read.Payload(0));
                }
                catch (StudyException)
                {
                    // The server is away just now.
                }
            }
        });
        foreach (var how in (string[])["fast", "immediate", "fast", "fast"])
        {
            server.Stop(how);
            server.Start();
        }
        NpgsqlConnection.ClearAllPools();
        await enough.CancelAsync();
        await reading;
        Assert.Equal([7], read.Payload(0));
    }

    [PostgresFact]
    public void What_is_not_ours_or_newer_is_refused_in_one_line()
    {
        var foreign = server.CreateDatabase();
        Execute(foreign, "CREATE TABLE journal (x int)");
        Assert.Contains("not a journal of this program", Refusal(foreign));

        var newer = server.CreateDatabase();
        new JournalDatabase(newer).Prepare();
        Execute(newer, "UPDATE journal_format SET version = 2");
        Assert.Contains("newer version (format 2, this one reads 1)", Refusal(newer));
    }

    [PostgresFact]
    public void A_wrong_password_an_unknown_database_and_no_server_are_said_in_one_line()
    {
        var address = server.CreateDatabase();
        string With(Action<NpgsqlConnectionStringBuilder> change)
        {
            var changed = new NpgsqlConnectionStringBuilder(address);
            change(changed);
            return changed.ConnectionString;
        }

        Assert.Contains("check the user, and the password in PGPASSWORD", Refusal(With(a => a.Password = "wrong")));
        Assert.Contains("PGPASSWORD", Refusal(With(a => a.Password = null)));
        Assert.Contains("createdb", Refusal(With(a => a.Database = "nowhere")));
        Assert.Contains("the server cannot be reached", Refusal(With(a => a.Port = 1)));
    }

    [PostgresFact]
    public async Task One_at_a_time_holds_the_lease_until_it_runs_out_or_is_released()
    {
        var journal = new JournalDatabase(server.CreateDatabase());
        journal.Prepare();
        var first = journal.Lease("one", "10.0.0.1:4053", TimeSpan.FromSeconds(30));
        var second = journal.Lease("two", "10.0.0.2:4053", TimeSpan.FromMilliseconds(100));

        Assert.Null(await first.TakeAsync());
        Assert.Null(await first.TakeAsync());
        Assert.True(await first.RenewAsync());
        Assert.Equal("10.0.0.1:4053", await second.TakeAsync());
        Assert.False(await second.RenewAsync());
        await second.ReleaseAsync();
        Assert.Equal("10.0.0.1:4053", await second.TakeAsync());

        await first.ReleaseAsync();
        Assert.Null(await second.TakeAsync());
        Assert.False(await first.RenewAsync());
        // The second's runs out.
        await Task.Delay(200);
        Assert.Null(await first.TakeAsync());
        Assert.False(await second.RenewAsync());
    }

    private static string Refusal(string address)
    {
        var message = Assert.Throws<StudyException>(() => new JournalDatabase(address).Prepare()).Message;
        Assert.DoesNotContain('\n', message);
        Assert.DoesNotContain("right", message);
        return message;
    }

    private sealed class NoLedger : Messages.Work.IComputedLedger
    {
        public long Append(StudyId study, string process, long ordinal, int attempt) => throw new NotSupportedException();

        public IReadOnlyDictionary<string, long> Count(StudyId study) => new Dictionary<string, long>();

        public IReadOnlyList<StudyId> Studies() => [];
    }
}
