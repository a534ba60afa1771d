using System.Collections.Concurrent;
using InterpActors.Host.Hosting;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Host.Tests.Web;

/// <summary>A desk without actors: studies stand where the test puts them, and their units are computed where they are asked for.</summary>
internal sealed class FakeDesk(IStudyPlanner planner, IUnitRunner runner) : IStudyDesk
{
    private readonly ConcurrentDictionary<StudyId, Study> _studies = new();
    private readonly ConcurrentDictionary<StudyId, StudyProgress> _progress = new();

    /// <summary>How often a study was begun.</summary>
    public int Begun;

    /// <summary>Where a submitted study stands at once.</summary>
    public RunState Submitted { get; set; } = RunState.Running;

    public ConcurrentQueue<(StudyId Study, StudyNote Note)> Notes { get; } = new();

    /// <summary>When set, everything fails with this line.</summary>
    public string? Trouble { get; set; }

    public ClusterView Cluster { get; set; } = new(
        [new MemberView("127.0.0.1:4053", ["coordinator", "compute"], "Up", true, true)],
        [new WorkerView("cpu-0@a", "a", "127.0.0.1:4053", "cpu", [new LeaseView(new StudyId("s-0123456789ab"), 3, 1, "z layer 1", 0.5)],
            DateTimeOffset.UnixEpoch)]);

    /// <summary>A study without a definition.</summary>
    public void Add(StudyProgress progress) => _progress[progress.Study] = progress;

    public void Put(StudyId study, Func<StudyProgress, StudyProgress> change) => _progress[study] = change(_progress[study]);

    public async Task<StudyProgress> SubmitAsync(Study study, int? priority = null)
    {
        Check();
        if (_studies.TryAdd(study.Id, study))
        {
            Interlocked.Increment(ref Begun);
            var plan = planner.Plan(study);
            var done = Submitted == RunState.Completed ? plan.UnitCount : 0;
            _progress[study.Id] = new StudyProgress(study.Id, Submitted, plan.UnitCount, done, 0, 0,
                [.. plan.Layers.Select(l => new LayerProgress(l.Layer, done > 0 ? l.Count : 0, 0, l.Count))],
                [.. plan.Tracks.Select(t => new TrackProgress(t.Name, 0, t.Units, 0, t.Cells))], [], [], 1, null);
        }
        if (priority is { } wanted) Put(study.Id, p => p with { Priority = wanted });
        return await Task.FromResult(_progress[study.Id]);
    }

    public Task<IReadOnlyList<StudyProgress>> ListAsync()
    {
        Check();
        return Task.FromResult<IReadOnlyList<StudyProgress>>([.. _progress.Values.OrderBy(p => p.Study.Value, StringComparer.Ordinal)]);
    }

    public Task<StudyProgress?> ProgressAsync(StudyId study)
    {
        Check();
        return Task.FromResult(_progress.GetValueOrDefault(study));
    }

    public Task PauseAsync(StudyId study) => ChangeAsync(study, RunState.Paused);

    public Task ResumeAsync(StudyId study) => ChangeAsync(study, RunState.Running);

    public Task CancelAsync(StudyId study) => ChangeAsync(study, RunState.Cancelled);

    public Task<Study?> DefinitionAsync(StudyId study) => Task.FromResult(_studies.GetValueOrDefault(study));

    public Task<RunHistory> HistoryAsync(StudyId study)
    {
        var p = _progress[study];
        return Task.FromResult(new RunHistory(p.State, p.Planned, p.Committed,
            [new ProcessHistory("a", DateTimeOffset.UnixEpoch, null, p.Committed, p.Committed)], []));
    }

    public Task<Func<long, byte[]?>> PayloadsAsync(StudyId study)
    {
        var definition = _studies[study];
        var plan = planner.Plan(definition);
        return Task.FromResult<Func<long, byte[]?>>(ordinal =>
            runner.Run(definition, plan[ordinal], new UnitContext("cpu", _ => { }, default)).Payload);
    }

    public Task<IReadOnlyList<StudyNote>> NotesAsync(StudyId study) =>
        Task.FromResult<IReadOnlyList<StudyNote>>([.. Notes.Where(n => n.Study == study).Select(n => n.Note)]);

    public Task<ClusterView> MembersAsync()
    {
        Check();
        return Task.FromResult(Cluster);
    }

    private Task ChangeAsync(StudyId study, RunState state)
    {
        Notes.Enqueue((study, new StudyNote(Notes.Count + 1, DateTimeOffset.UtcNow, state.ToString().ToLowerInvariant())));
        Put(study, p => p with { State = state });
        return Task.CompletedTask;
    }

    private void Check()
    {
        if (Trouble is { } line) throw new StudyException(line);
    }
}
