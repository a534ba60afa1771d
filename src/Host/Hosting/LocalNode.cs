using Akka.Actor;
using Akka.Hosting;
using InterpActors.Actors.Compute;
using InterpActors.Actors.Configuration;
using InterpActors.Actors.Coordination;
using InterpActors.Actors.Journal;
using InterpActors.Actors.Studies;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace InterpActors.Host.Hosting;

/// <summary>
/// Coordinator and compute node in one process, for a run on this machine. The same actors as in a cluster, without remoting and
/// singletons, which a single process has no use for and would wait for.
/// </summary>
public sealed class LocalNode : IAsyncDisposable
{
    private readonly LocalNodeOptions _options;
    private readonly IHost _host;
    private readonly IComputedLedger _ledger;
    private readonly TaskCompletionSource<string> _broke;
    private readonly IActorRef _studies;
    private readonly IActorRef _compute;
    private readonly JournalFile _journal;
    private readonly JournalReader _reader;
    private StudyId? _study;
    private StudyProgress? _last;
    private bool _ended;
    private bool _stopped;

    private LocalNode(LocalNodeOptions options, IHost host, IComputedLedger ledger, TaskCompletionSource<string> broke)
    {
        _options = options;
        _journal = new JournalFile(options.JournalPath);
        _reader = new JournalReader(_journal);
        _host = host;
        _ledger = ledger;
        _broke = broke;
        var registry = host.Services.GetRequiredService<ActorRegistry>();
        _studies = registry.Get<Coordinator>();
        _compute = registry.Get<ComputeNode>();
    }

    /// <summary>Prepares the journal and starts the actors; nothing is computed before <see cref="SubmitAsync"/>.</summary>
    /// <exception cref="StudyException">The journal cannot be used; one line says why.</exception>
    public static async Task<LocalNode> StartAsync(LocalNodeOptions options)
    {
        var environment = new SettingOverrides(HoconFolder.Default).FromEnvironment();
        var journal = new JournalFile(options.JournalPath);
        journal.Prepare();
        var ledger = options.Ledger ?? new ComputedLog(LocalNodeOptions.LedgerPath(options.JournalPath));
        var broke = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var config = HoconFolder.Load(
            HoconFolder.Default, HoconFolder.Local,
            environment + HoconFolder.Set("interp.journal.connection-string", journal.ConnectionString)
            + HoconFolder.Set("interp.log-file", options.LogFile ?? "")
            + options.Overrides);
        var host = await ActorHost.StartAsync(config, akka => akka
            .WithActors((system, _) => system.ActorOf(Props.Create(() => new JournalWatch(broke)), "journal-watch"))
            .AddCoordinator(options.Planner, journal)
            .AddComputeNode(options.Process, LocalSlots(options), options.Runner, ledger,
                Path.GetDirectoryName(Path.GetFullPath(options.JournalPath))));
        return new LocalNode(options, host, ledger, broke);
    }

    /// <summary>
    /// Nobody else could compute what a worker refuses: what they can is not told, and a unit that is too large says so itself.
    /// </summary>
    private static IReadOnlyList<WorkerSlot> LocalSlots(LocalNodeOptions options) =>
        [.. DeviceSlots.For(options.Devices, options.Workers, 1).Select(s => s with { Can = null })];

    /// <summary>
    /// Begins a study, or goes on with it where its journal ends; does nothing to one that is over. Returns when it is planned and units
    /// are being handed out.
    /// </summary>
    /// <exception cref="StudyException">The study cannot be planned; the journal belongs to another one or cannot be written.</exception>
    public async Task<StudyProgress> SubmitAsync(Study study)
    {
        _study = study.Id;
        return Expect(await Ask(new SubmitStudy(study, _options.Process), Timeout.InfiniteTimeSpan));
    }

    /// <summary>Where the study stands; cheap, ask several times a second. Its <c>Error</c> says why it stopped for good.</summary>
    public async Task<StudyProgress> ProgressAsync()
    {
        try
        {
            return Expect(await Ask(new GetProgress(Submitted), TimeSpan.FromSeconds(5)));
        }
        catch (AskTimeoutException) when (_last is not null)
        {
            return _last;
        }
        catch (StudyException e) when (_last is not null)
        {
            return _last with { Error = e.Message };
        }
    }

    /// <summary>What the study's journal tells, with the units that were computed but not committed.</summary>
    public Task<RunHistory> HistoryAsync() => FromJournal(journal => journal.History(_ledger));

    /// <summary>The payload of every committed unit by its ordinal (null for others), as of now.</summary>
    public Task<Func<long, byte[]?>> ReadPayloadsAsync() => FromJournal<Func<long, byte[]?>>(journal => journal.Payload);

    /// <summary>
    /// Stops handing out units, lets the running ones finish (hands them back after <paramref name="timeout"/>), and writes to the journal
    /// that the study waits for its next submission. For Ctrl-C.
    /// </summary>
    public async Task<StudyProgress?> PauseAndFlushAsync(TimeSpan timeout)
    {
        await EndAsync(timeout, pause: true);
        return _last;
    }

    /// <summary>Ends the node in good order: running units first, then the journal, then the actors.</summary>
    public async Task StopAsync(TimeSpan timeout)
    {
        if (_stopped) return;
        await EndAsync(timeout, pause: false);
        _stopped = true;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        try
        {
            await _host.StopAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            // An engine that does not come back from a unit holds its thread; the process ends without it.
        }
        _host.Dispose();
        _reader.Dispose();
        if (_options.Ledger is null) (_ledger as IDisposable)?.Dispose();
        _journal.Release();
    }

    public async ValueTask DisposeAsync() => await StopAsync(TimeSpan.FromSeconds(5));

    private StudyId Submitted => _study ?? throw new InvalidOperationException("no study was submitted");

    private async Task EndAsync(TimeSpan timeout, bool pause)
    {
        if (_ended || _stopped) return;
        _ended = true;
        try
        {
            await _compute.Ask<Drained>(new Drain(timeout), timeout + TimeSpan.FromSeconds(10));
            if (_study is { } id && !_broke.Task.IsCompleted)
            {
                var reply = await Ask(new EndProcess(id, _options.Process, pause), TimeSpan.FromSeconds(30));
                _last = (reply as ProgressReply)?.Progress ?? _last;
            }
        }
        catch (Exception e) when (e is AskTimeoutException or StudyException)
        {
            // The journal holds what was committed; the history then shows a process without an end.
        }
    }

    private async Task<object> Ask(IStudyCommand command, TimeSpan timeout)
    {
        var answer = _studies.Ask<object>(command, timeout);
        if (await Task.WhenAny(answer, _broke.Task) != answer) throw new StudyException(await _broke.Task);
        return await answer;
    }

    private StudyProgress Expect(object reply) => reply switch
    {
        ProgressReply r => _last = r.Progress,
        StudyRefused r => throw new StudyException(r.Problem),
        _ => throw new InvalidOperationException($"unexpected answer {reply.GetType().Name}"),
    };

    private Task<T> FromJournal<T>(Func<StudyJournal, T> read) => Task.Run(() => read(StudyJournal.Read(_reader, Submitted)));

    /// <summary>Hears of a journal that failed outside any study, so that nobody waits for an answer that never comes.</summary>
    private sealed class JournalWatch : ReceiveActor
    {
        public JournalWatch(TaskCompletionSource<string> broke) => Receive<JournalBroke>(m => broke.TrySetResult(m.Problem));

        protected override void PreStart() => Context.System.EventStream.Subscribe(Self, typeof(JournalBroke));
    }
}
