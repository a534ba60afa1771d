using System.Collections.Concurrent;
using Akka.Actor;
using InterpActors.Actors.Configuration;
using InterpActors.Actors.Journal;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Host.Hosting;

/// <summary>
/// The desk of a coordinator: commands go to whichever member leads now, and again where no answer comes (it may just be changing); what
/// was committed is read from the journal.
/// </summary>
internal sealed class StudyDesk(Func<ClusterMembership> membership, JournalLocation journal, IComputedLedger ledger)
    : IStudyDesk, IDisposable
{
    private static readonly TimeSpan OneTry = TimeSpan.FromSeconds(5);

    /// <summary>Longer than a change of coordinator takes.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Planning reads the model's and the prompts' files.</summary>
    private static readonly TimeSpan PlanningPatience = TimeSpan.FromMinutes(10);

    private readonly JournalReader _reader = new(journal);
    private readonly Dictionary<StudyId, StudyJournal> _journals = [];
    private readonly Dictionary<StudyId, StudyLog> _logs = [];
    private readonly ConcurrentDictionary<StudyId, StudyProgress> _over = new();

    public async Task<StudyProgress> SubmitAsync(Study study, int? priority = null) =>
        Accepted(await Ask(new SubmitStudy(study, null, priority), PlanningPatience));

    public async Task<IReadOnlyList<StudyProgress>> ListAsync()
    {
        var studies = new List<StudyProgress>();
        foreach (var id in ((KnownStudies)await Ask(new ListStudies(), Patience)).Studies)
            if (await ProgressAsync(id) is { } progress) studies.Add(progress);
        return studies;
    }

    public async Task<StudyProgress?> ProgressAsync(StudyId study)
    {
        // Nothing changes any more; a cluster may have thousands of them, and asking for one wakes it.
        if (_over.TryGetValue(study, out var last)) return last;
        var progress = (await Ask(new GetProgress(study), Patience) as ProgressReply)?.Progress;
        if (progress is { Error: null, State: RunState.Completed or RunState.CompletedWithErrors or RunState.Cancelled })
            _over[study] = progress;
        return progress;
    }

    public async Task PauseAsync(StudyId study) => Accepted(await Ask(new PauseStudy(study), Patience));

    public async Task ResumeAsync(StudyId study) => Accepted(await Ask(new ResumeStudy(study), Patience));

    public async Task CancelAsync(StudyId study) => Accepted(await Ask(new CancelStudy(study), Patience));

    public Task<Study?> DefinitionAsync(StudyId study) => Task.Run(() =>
    {
        lock (_journals) return Find(study)?.Study;
    });

    public Task<RunHistory> HistoryAsync(StudyId study) => Task.Run(() =>
    {
        lock (_journals) return Known(study).History(ledger);
    });

    public Task<Func<long, byte[]?>> PayloadsAsync(StudyId study) => Task.Run<Func<long, byte[]?>>(() =>
    {
        lock (_journals) return Known(study).Payload;
    });

    public Task<IReadOnlyList<StudyNote>> NotesAsync(StudyId study) => Task.Run(() =>
    {
        StudyLog? log;
        lock (_logs)
        {
            if (!_logs.TryGetValue(study, out log)) _logs[study] = log = new StudyLog(_reader, study);
        }
        lock (log)
        {
            log.Refresh();
            return log.Notes;
        }
    });

    public async Task<ClusterView> MembersAsync()
    {
        var members = ClusterMembers.View(membership().Cluster);
        try
        {
            var coordinator = membership().Coordinator;
            var workers = coordinator.Ask<WorkersReply>(new GetWorkers(), OneTry);
            var loads = (await coordinator.Ask<LoadsReply>(new GetLoads(), OneTry)).Loads.ToDictionary(l => l.Node);
            return new ClusterView([.. members.Select(m => m with { Load = loads.GetValueOrDefault(m.Address) })], (await workers).Workers);
        }
        catch (AskTimeoutException)
        {
            return new ClusterView(members, []);
        }
    }

    public void Dispose()
    {
        _reader.Dispose();
    }

    private async Task<object> Ask(IWireMessage command, TimeSpan patience)
    {
        var until = DateTimeOffset.UtcNow + patience;
        while (true)
        {
            try
            {
                return await membership().Coordinator.Ask<object>(command, OneTry);
            }
            catch (AskTimeoutException)
            {
                if (DateTimeOffset.UtcNow < until) continue;
                throw new StudyException("the coordinator does not answer", null,
                    "try again when one of the coordinator nodes is up and its journal can be written");
            }
        }
    }

    private static StudyProgress Accepted(object reply) => reply switch
    {
        ProgressReply r => r.Progress,
        StudyRefused r => throw new StudyException(r.Problem),
        _ => throw new InvalidOperationException($"unexpected answer {reply.GetType().Name}"),
    };

    private StudyJournal Known(StudyId id) => Find(id) ?? throw new StudyException($"study {id} is not known", null, "submit it first");

    /// <summary>The study's journal up to now; opened once, read on from there.</summary>
    private StudyJournal? Find(StudyId id)
    {
        if (_journals.TryGetValue(id, out var known))
        {
            known.Refresh();
            return known;
        }
        known = StudyJournal.Read(_reader, id);
        return known.Study is null ? null : _journals[id] = known;
    }
}
