using InterpActors.Actors.Journal;
using InterpActors.Compute.Devices;
using InterpActors.Host.Commands;
using InterpActors.Host.Display;
using InterpActors.Host.Runs;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using InterpActors.TestSupport;
using Microsoft.Data.Sqlite;

namespace InterpActors.Host.Tests.Runs;

public sealed class StudyRunTests : IDisposable
{
    private const int Units = 40;
    private readonly string _root = Directory.CreateTempSubdirectory("study-run-").FullName;
    private readonly StringWriter _output = new();

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private string At(string name) => Path.Combine(_root, name);

    private static Study Study(string by = "position")
    {
        var canonical = """{"study":{"name":"fake","method":{"by":"BY"}}}""".Replace("BY", by, StringComparison.Ordinal);
        return new Study(StudyId.From("fake", canonical), "fake", "fake", canonical, "", "/", new ExecutionSettings(1, "torch"));
    }

    private async Task<(int Code, FakeRunner Runner)> Run(RunRequest request, Action<WorkUnit, UnitContext>? work = null,
        bool failed = false, Interrupts? interrupts = null, IDeviceProvider? devices = null)
    {
        var runner = new FakeRunner { Work = work };
        using var own = new Interrupts();
        var run = new StudyRun(new FakePlanner(4, Units / 4), runner, new ListingReducer(failed), _ => "clean +1.00",
            new PlainDisplay(_output, quiet: false), interrupts ?? own, devices);
        return (await run.ExecuteAsync(request), runner);
    }

    private RunRequest Request(string folder, Study? study = null, int? threads = null, bool fresh = false) =>
        new(study ?? Study(), At(folder), fresh, 2, threads);

    private async Task<string> Refused(RunRequest request) => (await Assert.ThrowsAsync<StudyException>(() => Run(request))).Message;

    [Fact]
    public async Task Runs_to_its_outputs_and_only_rewrites_them_when_asked_again()
    {
        var (code, runner) = await Run(Request("a"));
        Assert.Equal(ExitCode.Done, code);
        Assert.Equal(Units, runner.Computed.Count);
        var bytes = await File.ReadAllBytesAsync(At("a/results.csv"));
        Assert.Contains("the answer", _output.ToString(), StringComparison.Ordinal);
        Assert.Contains(At("a/report.html"), _output.ToString(), StringComparison.Ordinal);

        File.Delete(At("a/results.csv"));
        var (again, idle) = await Run(Request("a"));
        Assert.Equal(ExitCode.Done, again);
        Assert.Empty(idle.Computed);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(At("a/results.csv")));
        Assert.Contains("finished already", _output.ToString(), StringComparison.Ordinal);
    }

    private sealed class TwoCards : IDeviceProvider
    {
        public IReadOnlyList<ComputeDevice> All { get; } = [new("cpu", 0), new("cuda:0", 0), new("cuda:1", 0)];

        public string Limits => "";

        public TorchSharp.torch.Device Open(string name) => TorchSharp.torch.CPU;
    }

    [Fact]
    public async Task A_run_stays_on_the_kind_of_device_it_was_begun_on()
    {
        var study = Study();
        study = study with { Execution = study.Execution with { Device = "cuda" } };
        var used = new System.Collections.Concurrent.ConcurrentDictionary<string, int>();
        await Run(Request("a", study) with { Device = "cuda" }, (_, c) =>
        {
            used[c.Device] = 1;
            Thread.Sleep(10);
        }, devices: new TwoCards());
        Assert.Equal(["cuda:0", "cuda:1"], used.Keys.Order());
        Assert.Contains("begun on cuda, not cpu", await Refused(Request("a") with { Device = "cpu" }), StringComparison.Ordinal);
        Assert.Contains("there is no cuda device here", await Refused(Request("a")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stops_after_flushing_when_asked_and_goes_on_later()
    {
        using var interrupts = new Interrupts();
        var seen = 0;
        var (code, first) = await Run(Request("a"), (_, _) =>
        {
            if (Interlocked.Increment(ref seen) == 9) interrupts.Ask();
            Thread.Sleep(20);
        }, interrupts: interrupts);
        Assert.Equal(ExitCode.Interrupted, code);
        Assert.InRange(first.Computed.Count, 9, Units - 1);
        Assert.Contains("run the same command again to go on", _output.ToString(), StringComparison.Ordinal);
        Assert.False(File.Exists(At("a/results.csv")));

        var (done, second) = await Run(Request("a"));
        Assert.Equal(ExitCode.Done, done);
        Assert.Equal(Units, first.Computed.Count + second.Computed.Count);
        Assert.Contains($"resumed after an interruption: {first.Computed.Count} units were already done", _output.ToString(),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reports_units_that_were_given_up()
    {
        var (code, _) = await Run(Request("a"), (unit, _) =>
        {
            if (unit.Ordinal == 7) throw new UnitException(UnitFailureKind.Permanent, "NaN in layer 3");
        });
        Assert.Equal(ExitCode.Failed, code);
        Assert.Contains("skipped: unit 7", _output.ToString(), StringComparison.Ordinal);
        Assert.Contains("NaN in layer 3", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Results_that_cannot_be_trusted_fail_the_run() =>
        Assert.Equal(ExitCode.Failed, (await Run(Request("a"), failed: true)).Code);

    [Fact]
    public async Task A_full_disk_stops_the_run_with_one_line_and_a_later_run_goes_on()
    {
        var stopped = await Assert.ThrowsAsync<RunFailedException>(() => Run(Request("a"), (unit, _) =>
        {
            if (unit.Ordinal == 12) throw new UnitException(UnitFailureKind.Fatal, "disk full");
        }));
        Assert.Contains("disk full", stopped.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', stopped.Message);
        Assert.Equal(ExitCode.Done, (await Run(Request("a"))).Code);
    }

    [Fact]
    public async Task Refuses_a_folder_of_another_study_other_threads_or_no_journal_and_leaves_it_as_it_was()
    {
        await Run(Request("a"));
        var before = Snapshot("a");
        Assert.Contains("method.by: position → role", await Refused(Request("a", Study("role"))), StringComparison.Ordinal);
        Assert.Contains("begun with --threads 1, not 2", await Refused(Request("a", threads: 2)), StringComparison.Ordinal);
        using (RunFolder.Open(At("a")))
            Assert.Contains($"held by process {Environment.ProcessId}", await Refused(Request("a")), StringComparison.Ordinal);
        Assert.Equal(before, Snapshot("a"));

        Directory.CreateDirectory(At("text"));
        await File.WriteAllTextAsync(At("text/journal.db"), new string('x', 5000));
        Assert.Contains("journal.db", await Refused(Request("text")), StringComparison.Ordinal);
        using (var connection = new SqliteConnection(new JournalFile(At("a/journal.db")).ConnectionString))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "PRAGMA user_version=99";
            command.ExecuteNonQuery();
        }
        new JournalFile(At("a/journal.db")).Release();
        Assert.Contains("newer version", await Refused(Request("a")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_fresh_run_leaves_the_old_one_alone()
    {
        await Run(Request("a"));
        var before = Snapshot("a");
        var (_, runner) = await Run(Request("a", fresh: true));
        Assert.Equal(Units, runner.Computed.Count);
        Assert.Equal(before, Snapshot("a"));
        Assert.True(File.Exists(At("a-2/results.csv")));
    }

    [Fact]
    public async Task Status_tells_where_a_run_stands()
    {
        await Run(Request("a"));
        var status = await Interp.Here("status", At("a"));
        Assert.Equal(ExitCode.Done, status.Code);
        Assert.Contains("state      completed", status.Output, StringComparison.Ordinal);
        var json = System.Text.Json.Nodes.JsonNode.Parse((await Interp.Here("status", At("a"), "--json")).Output)!;
        Assert.Equal(Units, (long)json["units"]!["committed"]!);
        Assert.Equal("completed", (string)json["state"]!);
        var none = await Interp.Here("status", _root);
        Assert.Equal(ExitCode.WrongInput, none.Code);
        Assert.Single(none.Error.TrimEnd().Split('\n'));
    }

    private List<string> Snapshot(string folder) =>
        [.. Directory.GetFiles(At(folder)).Where(f => Path.GetFileName(f) is not ("run.lock" or "run.pid")).Order()
            .Select(f => $"{f} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(f)))}")];

    private sealed class ListingReducer(bool failed) : IStudyReducer
    {
        public ReductionOutcome Reduce(Reduction reduction, string folder)
        {
            File.WriteAllLines(Path.Combine(folder, "results.csv"),
                Enumerable.Range(0, (int)reduction.Plan.UnitCount).Select(i => reduction.Payloads(i) is { } p
                    ? $"{i},{BitConverter.ToInt64(p)}" : $"{i},"));
            return new ReductionOutcome("the answer", [], failed);
        }
    }
}
