using InterpActors.Compute.Reports;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using TorchSharp;
using SessionLease = InterpActors.Compute.Studies.LeaseCache<
    (InterpActors.Messages.Studies.StudyId, InterpActors.Messages.Studies.ExecutionSettings), InterpActors.Compute.Studies.StudySession>.Lease;

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
    private readonly IStudyFiles _files;

    // Studies that were read lately; each may hold a tokenizer.
    private readonly LeaseCache<StudyId, Prepared> _prepared = new(8);

    public StudyEngine() : this(StudyKinds.All) { }

    /// <param name="kinds">The kinds it knows.</param>
    /// <param name="ownSessions">True to share no weights and base runs with the rest of the process.</param>
    /// <param name="files">Brings the studies' files here; null where they are in place.</param>
    public StudyEngine(IReadOnlyList<IStudyKind> kinds, bool ownSessions = false, IStudyFiles? files = null)
    {
        _kinds = kinds;
        _files = files ?? new FilesInPlace();
        _ownsSessions = ownSessions;
        _sessions = ownSessions ? new StudySessions() : StudySessions.Shared;
    }

    /// <inheritdoc/>
    public IStudyPlan Plan(Study study) => Prepare(study, CancellationToken.None).Plan;

    /// <summary>
    /// Loads the weights and runs the prompts as they are, so that what only the model can tell is found before anything is written.
    /// </summary>
    /// <returns>The metric without interventions; null where the method has none to tell.</returns>
    /// <exception cref="StudyException">The model is damaged, or no score can be formed.</exception>
    public BaselineMetric? Verify(Study study)
    {
        var (prepared, lease) = Open(study, CancellationToken.None);
        using var session = lease;
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
            var (prepared, lease) = Load(study, context.Cancellation);
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
    public StudyReduction Reduce(Reduction reduction) => Prepare(reduction.Plan.Study, CancellationToken.None).Opened.Method.Reduce(reduction);

    /// <inheritdoc/>
    public IResultMaps? Maps(IStudyPlan plan) => Prepare(plan.Study, CancellationToken.None).Opened.Method.Maps(plan);

    /// <inheritdoc/>
    public void Dispose()
    {
        _prepared.Dispose();
        if (_ownsSessions) _sessions.Dispose();
    }

    /// <summary>What the study needs of this machine; a file that is not here, or is another one, may well be right on another machine.</summary>
    private (Prepared, SessionLease) Load(Study study, CancellationToken cancellation)
    {
        try
        {
            return Open(study, cancellation);
        }
        catch (StudyException e)
        {
            throw new UnitException(UnitFailureKind.Unfit, e.Message, e);
        }
    }

    private (Prepared, SessionLease) Open(Study study, CancellationToken cancellation)
    {
        if (_sessions.TakeOpen(study) is { } open)
        {
            try
            {
                return (Prepare(study, cancellation), open);
            }
            catch
            {
                open.Dispose();
                throw;
            }
        }
        try
        {
            return OpenNow(study, cancellation);
        }
        catch (StudyException) when (study.Inputs is not null)
        {
            // It was found where files may have gone since: once more, from where they are now.
            _prepared.Forget(study.Id);
            return OpenNow(study, cancellation);
        }
    }

    private (Prepared, SessionLease) OpenNow(Study study, CancellationToken cancellation)
    {
        // Here, where one unit's cancellation is its own; what many units wait for together is not to be cancelled by one of them.
        using var files = _files.Open(study.Folder, study.Inputs, cancellation);
        var prepared = Prepare(study, cancellation);
        return (prepared, _sessions.Take(study, prepared.Opened, () => _files.Open(study.Folder, study.Inputs, CancellationToken.None)));
    }

    private Prepared Prepare(Study study, CancellationToken cancellation)
    {
        using var ready = _prepared.TakeReady(study.Id);
        if (ready is not null) return ready.Value;
        using var files = _files.Open(study.Folder, study.Inputs, cancellation);
        using var made = _prepared.Take(study.Id, () =>
        {
            var opened = StudyReader.Read(StudyFile.Parse(study.Canonical, study.Name), files.Folder(), _kinds);
            return new Prepared(opened, opened.Method.Plan(study));
        });
        return made.Value;
    }

    private sealed record Prepared(OpenedStudy Opened, IStudyPlan Plan);
}
