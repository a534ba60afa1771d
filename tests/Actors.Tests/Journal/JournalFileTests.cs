using InterpActors.Actors.Journal;
using InterpActors.Actors.Studies;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Serialization;
using InterpActors.Messages.Studies;
using InterpActors.TestSupport;
using LinqToDB.Data;
using Microsoft.Data.Sqlite;

namespace InterpActors.Actors.Tests.Journal;

public class JournalFileTests : IDisposable
{
    private static readonly Study Study = FakePlanner.Study();
    private static readonly DateTimeOffset At = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly string _folder = Directory.CreateTempSubdirectory("interp-journal-").FullName;

    private string Path => System.IO.Path.Combine(_folder, "journal.db");

    private JournalFile Journal => new(Path);

    private ComputedLog NoLedger => new(System.IO.Path.Combine(_folder, "none.log"));

    public void Dispose() => Directory.Delete(_folder, true);

    private void Execute(string sql, params (string Name, object Value)[] values)
    {
        using (var connection = new SqliteConnection(Journal.ConnectionString))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = sql;
            foreach (var (name, value) in values) command.Parameters.AddWithValue(name, value);
            command.ExecuteNonQuery();
        }
        Journal.Release();
    }

    private void Write(params IStudyEvent[] events) => Write(events, 0, events.Length);

    private void Write(IStudyEvent[] events, int after, int count)
    {
        for (var i = after; i < count; i++)
        {
            Execute(
                """
                INSERT INTO journal (created, deleted, persistence_id, sequence_number, message, manifest, identifier)
                VALUES (0, 0, $id, $n, $m, $t, 4243)
                """,
                ("$id", $"study-{Study.Id}"), ("$n", i + 1),
                ("$m", WireFormat.Write(events[i])), ("$t", WireFormat.ManifestOf(events[i].GetType())));
        }
    }

    [Fact]
    public void No_file_an_empty_file_and_a_fresh_journal()
    {
        Assert.Equal(JournalKind.Absent, Journal.Inspect().Kind);
        Assert.False(File.Exists(Path));
        File.WriteAllBytes(Path, []);
        Assert.Equal(JournalKind.Empty, Journal.Inspect().Kind);
        Journal.Prepare();
        Journal.Prepare();
        Assert.Equal((JournalKind.Empty, 1), (Journal.Inspect().Kind, Journal.Inspect().Version));
    }

    [Fact]
    public void A_journal_killed_before_its_tables_were_made_is_empty_and_can_be_prepared()
    {
        Execute("PRAGMA journal_mode=WAL");
        Assert.Equal(JournalKind.Empty, Journal.Inspect().Kind);
        Journal.Prepare();
        Write(new StudySubmitted(Study, At));
        Assert.Equal(JournalKind.Ok, Journal.Inspect().Kind);
    }

    [Fact]
    public void Names_its_study()
    {
        Journal.Prepare();
        Write(new StudySubmitted(Study, At), new StudyPlanned(3, 9));
        var found = Journal.Inspect();
        Assert.Equal((JournalKind.Ok, Study, null), (found.Kind, found.Study, found.Problem));
    }

    [Fact]
    public void A_newer_journal_is_refused()
    {
        Journal.Prepare();
        Execute("PRAGMA user_version=2");
        var found = Journal.Inspect();
        Assert.Equal((JournalKind.Newer, 2), (found.Kind, found.Version));
        Assert.Contains("newer version", Assert.Throws<StudyException>(() => Journal.Prepare()).Message);
    }

    [Fact]
    public void Another_programs_database_is_refused_and_left_alone()
    {
        Execute("CREATE TABLE mine (x)");
        var before = File.ReadAllBytes(Path);
        Assert.Equal(JournalKind.NotAJournal, Journal.Inspect().Kind);
        Assert.Throws<StudyException>(() => Journal.Prepare());
        Assert.Equal(before, File.ReadAllBytes(Path));
    }

    [Theory]
    [InlineData(100)]
    [InlineData(5000)]
    public void A_file_of_something_else_is_refused(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        File.WriteAllBytes(Path, bytes);
        var found = Journal.Inspect();
        Assert.Equal(JournalKind.NotAJournal, found.Kind);
        Assert.Contains("is not a journal", found.Problem);
        Assert.DoesNotContain('\n', found.Problem!);
        Assert.Equal(bytes, File.ReadAllBytes(Path));
    }

    [Fact]
    public void A_damaged_journal_is_named_as_such()
    {
        Journal.Prepare();
        Write(new StudySubmitted(Study, At));
        var bytes = File.ReadAllBytes(Path);
        Array.Fill(bytes, (byte)0xEE, 100, bytes.Length - 100);
        File.WriteAllBytes(Path, bytes);
        var found = Journal.Inspect();
        Assert.Equal(JournalKind.NotAJournal, found.Kind);
        Assert.Contains("damaged", found.Problem);
    }

    [Fact]
    public async Task Connections_of_the_plugins_wait_for_each_other_in_short_steps()
    {
        Journal.Prepare();
        using var connection = new DataConnection(Journal.PluginConnections);
        Assert.Equal(10_000, connection.Execute<int>("PRAGMA busy_timeout"));
        // One that writes for a while; the other one gets its turn and no error.
        using var first = connection.BeginTransaction();
        connection.Execute("INSERT INTO snapshot (persistence_id, sequence_number, created) VALUES ('a', 1, 0)");
        var second = Task.Run(() =>
        {
            using var other = new DataConnection(Journal.PluginConnections);
            return other.Execute("INSERT INTO snapshot (persistence_id, sequence_number, created) VALUES ('b', 1, 0)");
        });
        Assert.NotEqual(second, await Task.WhenAny(second, Task.Delay(100)));
        first.Commit();
        Assert.Equal(1, await second);
    }

    [Fact]
    public void After_the_last_reader_the_log_is_folded_into_the_file()
    {
        Journal.Prepare();
        Write(new StudySubmitted(Study, At));
        Assert.Equal(JournalKind.Ok, Journal.Inspect().Kind);
        using (var reader = new JournalReader(Journal)) Assert.NotNull(StudyJournal.Read(reader, Study.Id).Study);
        Assert.Equal(["journal.db"], Directory.GetFiles(_folder).Select(System.IO.Path.GetFileName));
    }

    [Fact]
    public void A_folder_that_is_not_there_is_a_plain_error()
    {
        var path = System.IO.Path.Combine(_folder, "nowhere", "journal.db");
        Assert.Contains("check the folder's permissions", Assert.Throws<StudyException>(() => new JournalFile(path).Prepare()).Message);
    }

    [Fact]
    public void Reads_history_and_payloads_without_actors()
    {
        Journal.Prepare();
        Write(
            new StudySubmitted(Study, At), new ProcessStarted("p1", At), new StudyPlanned(4, 12),
            new UnitCompleted(2, 1, "p1", [2], null), new UnitCompleted(0, 1, "p1", [0], null), new UnitCompleted(2, 1, "p1", [99], null),
            new UnitWarned(3, "p1", "checkpoint-10 is damaged"),
            new UnitFailed(3, 1, "p1", Messages.Work.UnitFailureKind.Permanent, "NaN"), new UnitGivenUp(3, "u3", 1, "NaN"));
        using var ledger = new ComputedLog(System.IO.Path.Combine(_folder, "computed.log"));
        ledger.Append(Study.Id, "p1", 0, 1);
        ledger.Append(Study.Id, "p1", 2, 1);
        ledger.Append(Study.Id, "p1", 1, 1);
        using var reader = new JournalReader(Journal);
        var journal = StudyJournal.Read(reader, Study.Id);
        Assert.Equal([[0], null, [2], null, null], Enumerable.Range(0, 5).Select(i => journal.Payload(i)));
        var history = journal.History(ledger);
        Assert.Equal((4, 2), (history.Planned, history.Committed));
        Assert.Equal((3, 2), (history.Processes[0].UnitsComputed, history.Processes[0].UnitsCommitted));
        Assert.Equal(new UnitDefeat(3, "u3", 1, "NaN"), Assert.Single(history.Failures));
        Assert.Equal(["checkpoint-10 is damaged"], history.Warnings);
        var log = new StudyLog(reader, Study.Id);
        log.Refresh();
        Assert.Contains("checkpoint-10 is damaged (on p1)", log.Notes.Select(n => n.Text));
    }

    private void WriteSnapshot(long at, byte[] snapshot) => Execute(
        """
        INSERT OR REPLACE INTO snapshot (persistence_id, sequence_number, created, snapshot, manifest, serializer_id)
        VALUES ($id, $n, 0, $s, 's-study.1', 4243)
        """,
        ("$id", $"study-{Study.Id}"), ("$n", at), ("$s", snapshot));

    [Fact]
    public void History_begins_with_the_last_snapshot_and_payloads_are_found_all_the_same()
    {
        Journal.Prepare();
        IStudyEvent[] events =
        [
            new StudySubmitted(Study, At), new StudyPlanned(5, 12), new ProcessStarted("p1", At),
            new UnitCompleted(2, 1, "p1", [2], null), new UnitCompleted(0, 1, "p1", [0], null), new UnitCompleted(4, 1, "p1", [4], null),
        ];
        Write(events);
        var state = new StudyRunState();
        foreach (var happened in events.Take(4)) state.Apply(happened);
        state.MoveTo("/elsewhere");
        // What only the snapshot says shows that it was read.
        var snapshot = state.ToSnapshot() with { Processes = [new ProcessRecord("p1", At, null, 101)] };
        WriteSnapshot(3, "gone"u8.ToArray());
        WriteSnapshot(4, WireFormat.Write(snapshot));

        using var reader = new JournalReader(Journal);
        var journal = StudyJournal.Read(reader, Study.Id);
        Assert.Equal((5L, 3L), (journal.Planned, journal.History(NoLedger).Committed));
        Assert.Equal(103, Assert.Single(journal.History(NoLedger).Processes).UnitsCommitted);
        Assert.Equal(Study.Folder, journal.Study!.Folder);
        Assert.Equal([[0], null, [2], null, [4], null], Enumerable.Range(0, 6).Select(i => journal.Payload(i)));

        WriteSnapshot(4, "damaged"u8.ToArray());
        var whole = StudyJournal.Read(reader, Study.Id);
        Assert.Equal(3, Assert.Single(whole.History(NoLedger).Processes).UnitsCommitted);
        Assert.Equal([[0], null, [2], null, [4], null], Enumerable.Range(0, 6).Select(i => whole.Payload(i)));
    }

    [Fact]
    public void Payloads_of_later_units_are_found_after_a_refresh()
    {
        Journal.Prepare();
        IStudyEvent[] events =
        [
            new StudySubmitted(Study, At), new StudyPlanned(3, 9), new UnitCompleted(2, 1, "p", [2], null),
            new UnitCompleted(1, 1, "p", [1], null), new UnitCompleted(0, 1, "p", [0], null),
        ];
        Write(events[..3]);
        var state = new StudyRunState();
        foreach (var happened in events.Take(3)) state.Apply(happened);
        WriteSnapshot(3, WireFormat.Write(state.ToSnapshot()));
        using var reader = new JournalReader(Journal);
        var journal = StudyJournal.Read(reader, Study.Id);
        Assert.Equal([null, null, [2]], Enumerable.Range(0, 3).Select(i => journal.Payload(i)));
        Write(events, after: 3, count: 5);
        Assert.Null(journal.Payload(1));
        journal.Refresh();
        Assert.Equal([[0], [1], [2]], Enumerable.Range(0, 3).Select(i => journal.Payload(i)));
        Assert.Equal(3, journal.History(NoLedger).Committed);
    }

    [Fact]
    public void The_ledger_survives_a_line_cut_short_and_counts_by_study_and_process()
    {
        var path = System.IO.Path.Combine(_folder, "computed.log");
        using (var ledger = new ComputedLog(path))
        {
            ledger.Append(Study.Id, "p1", 0, 1);
            ledger.Append(FakePlanner.Study("other").Id, "p1", 0, 1);
        }
        File.AppendAllText(path, $"{Study.Id} p1 12");
        using var again = new ComputedLog(path);
        again.Append(Study.Id, "p2", 1, 1);
        Assert.Equal(new Dictionary<string, long> { ["p1"] = 1, ["p2"] = 1 }, again.Count(Study.Id));
    }

    [Fact]
    public void The_ledger_counts_on_where_it_was_and_anew_in_another_file()
    {
        var path = System.IO.Path.Combine(_folder, "computed.log");
        using var reader = new ComputedLog(path);
        Assert.Empty(reader.Count(Study.Id));
        using (var writer = new ComputedLog(path))
        {
            for (var i = 0; i < 3000; i++) writer.Append(Study.Id, $"p{i % 3}", i, 1);
            Assert.Equal([1000L, 1000, 1000], reader.Count(Study.Id).OrderBy(c => c.Key).Select(c => c.Value));
            writer.Append(Study.Id, "p1", 3000, 1);
            // Half a line of another process that is just writing.
            File.AppendAllText(path, $"{Study.Id} p2 30");
            Assert.Equal([1000L, 1001, 1000], reader.Count(Study.Id).OrderBy(c => c.Key).Select(c => c.Value));
            File.AppendAllText(path, "01 1\n");
            Assert.Equal([1000L, 1001, 1001], reader.Count(Study.Id).OrderBy(c => c.Key).Select(c => c.Value));
        }
        File.WriteAllText(path, $"{Study.Id} p9 0 1\n");
        Assert.Equal(new Dictionary<string, long> { ["p9"] = 1 }, reader.Count(Study.Id));
    }

    [Fact]
    public void The_words_for_each_trouble()
    {
        var full = new SqliteException("x", 13);
        Assert.Equal("journal j: disk full; free space and run again, the study goes on where it was", JournalTrouble.Describe("j", full));
        Assert.Contains("disk full", JournalTrouble.Describe("j", new InvalidOperationException("o", new AggregateException(full))));
        Assert.Contains("held by another process", JournalTrouble.Describe("j", new SqliteException("x", 5)));
        var other = new InvalidOperationException("outer", new TimeoutException("why"));
        Assert.Contains("could not be written (why)", JournalTrouble.Describe("j", other));
    }
}
