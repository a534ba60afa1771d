using System.Collections.Concurrent;
using InterpActors.Compute.Reports;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using TorchSharp;

namespace InterpActors.Compute.Studies;

/// <summary>
/// Plans, runs and reduces studies of every kind, from their canonical form. One per process. Opened studies, weights and base runs are
/// shared by all that ask.
/// </summary>
public sealed class StudyEngine : IStudyPlanner, IUnitRunner, IStudyReducer, IPartialResults
{
    private readonly IReadOnlyList<IStudyKind> _kinds;
    private readonly StudySessions _sessions;
    private readonly bool _ownsSessions;
    private readonly ConcurrentDictionary<StudyId, Lazy<Prepared>> _prepared = new();

    public StudyEngine() : this(StudyKinds.All) { }

    /// <param name="kinds">The kinds it knows.</param>
    /// <param name="ownSessions">True to share no weights and base runs with the rest of the process.</param>
    public StudyEngine(IReadOnlyList<IStudyKind> kinds, bool ownSessions = false)
    {
        _kinds = kinds;
        _ownsSessions = ownSessions;
        _sessions = ownSessions ? new StudySessions() : StudySessions.Shared;
    }

    /// <inheritdoc/>
    public IStudyPlan Plan(Study study) => Prepare(study).Plan;

    /// <summary>
    /// Loads the weights and runs the prompts as they are, so that what only the model can tell is found before anything is written.
    /// </summary>
    /// <returns>The metric without interventions; null where the method has none to tell.</returns>
    /// <exception cref="StudyException">The model is damaged, or no score can be formed.</exception>
    public BaselineMetric? Verify(Study study)
    {
        var prepared = Prepare(study);
        using var session = _sessions.Take(study, () => prepared.Opened);
        session.Value.Enter();
        using var scope = torch.NewDisposeScope();
        using var _ = torch.no_grad();
        try
        {
            prepared.Opened.Method.Verify(session.Value);
            return prepared.Opened.Method.Baselines(session.Value);
        }
        catch (UnitException e)
        {
            throw new StudyException(e.Message, prepared.Opened.Context.GivenModel?.Path, "the model cannot run these prompts", e);
        }
    }

    /// <inheritdoc/>
    public UnitOutput Run(Study study, WorkUnit unit, UnitContext context)
    {
        if (context.Device != "cpu")
            throw new UnitException(UnitFailureKind.Permanent, $"device {context.Device} is not known here; known: cpu");
        try
        {
            var (prepared, lease) = Load(study);
            using var session = lease;
            session.Value.Enter();
            using var scope = torch.NewDisposeScope();
            using var _ = torch.no_grad();
            return prepared.Opened.Method.Run(session.Value, prepared.Plan, unit, context);
        }
        catch (StudyException e)
        {
            throw new UnitException(UnitFailureKind.Permanent, e.Message, e);
        }
        catch (Exception e) when (e is IOException or OutOfMemoryException or System.Runtime.InteropServices.ExternalException)
        {
            throw new UnitException(UnitFailureKind.Transient, e.Message.Split('\n')[0], e);
        }
    }

    /// <inheritdoc/>
    public ReductionOutcome Reduce(Reduction reduction, string folder)
    {
        var reduced = Reduce(reduction);
        RunFolderWriter.Write(reduced.Result, folder);
        return new ReductionOutcome(reduced.Result.Answer, reduced.Result.Warnings, reduced.Failed);
    }

    /// <summary>The result without writing it.</summary>
    public StudyReduction Reduce(Reduction reduction) => Prepare(reduction.Plan.Study).Opened.Method.Reduce(reduction);

    /// <inheritdoc/>
    public IResultMaps? Maps(IStudyPlan plan) => Prepare(plan.Study).Opened.Method.Maps(plan);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_ownsSessions) _sessions.Dispose();
    }

    /// <summary>What the study needs of this machine; a file that is not here, or is another one, may well be right on another machine.</summary>
    private (Prepared, LeaseCache<(StudyId, ExecutionSettings), StudySession>.Lease) Load(Study study)
    {
        try
        {
            var prepared = Prepare(study);
            return (prepared, _sessions.Take(study, () => prepared.Opened));
        }
        catch (StudyException e)
        {
            throw new UnitException(UnitFailureKind.Unfit, e.Message, e);
        }
    }

    private Prepared Prepare(Study study)
    {
        var lazy = _prepared.GetOrAdd(study.Id, _ => new Lazy<Prepared>(() =>
        {
            var opened = StudyReader.Read(StudyFile.Parse(study.Canonical, study.Name), study.Folder, _kinds);
            return new Prepared(opened, opened.Method.Plan(study));
        }));
        try
        {
            return lazy.Value;
        }
        catch
        {
            _prepared.TryRemove(new KeyValuePair<StudyId, Lazy<Prepared>>(study.Id, lazy));
            throw;
        }
    }

    private sealed record Prepared(OpenedStudy Opened, IStudyPlan Plan);
}
