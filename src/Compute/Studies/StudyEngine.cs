using InterpActors.Compute.Devices;
using InterpActors.Compute.Reports;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using TorchSharp;
using SessionLease = InterpActors.Compute.Studies.LeaseCache<
    (InterpActors.Messages.Studies.StudyId, InterpActors.Messages.Studies.ExecutionSettings),
    InterpActors.Compute.Studies.StudySession>.Lease;

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
    private readonly IDeviceProvider _devices;
    private readonly DeviceGate _gate = new();

    // Studies that were read lately; each may hold a tokenizer.
    private readonly LeaseCache<StudyId, Prepared> _prepared = new(8);

    public StudyEngine() : this(StudyKinds.All) { }

    /// <param name="kinds">The kinds it knows.</param>
    /// <param name="ownSessions">True to share no weights and base runs with the rest of the process.</param>
    /// <param name="files">Brings the studies' files here; null where they are in place.</param>
    /// <param name="devices">What units may be computed on; null for what torch finds.</param>
    public StudyEngine(
        IReadOnlyList<IStudyKind> kinds, bool ownSessions = false, IStudyFiles? files = null, IDeviceProvider? devices = null)
    {
        _kinds = kinds;
        _devices = devices ?? TorchDevices.Instance;
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
        var (prepared, lease) = Open(study, DeviceNames.Cpu, CancellationToken.None);
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
        CheckDevice(study, context.Device);
        try
        {
            try
            {
                return _gate.Beside(context.Device, () => Compute(study, unit, context));
            }
            catch (Exception e) when (OutOfMemory.Is(e))
            {
                // Below, where this unit holds nothing any more.
            }
            return ComputeAlone(study, unit, context);
        }
        catch (StudyException e)
        {
            throw new UnitException(UnitFailureKind.Permanent, e.Message, e);
        }
        catch (Exception e) when (OutOfMemory.Is(e))
        {
            throw new UnitException(UnitFailureKind.OutOfMemory,
                $"the memory of {context.Device} did not suffice ({FirstLine(e)}); a worker with more may compute it", e);
        }
        catch (Exception e) when (e is not UnitException && FullDisk.Is(e))
        {
            throw new UnitException(UnitFailureKind.Fatal, $"the disk is full ({FirstLine(e)}); make room and run again", e);
        }
        catch (Exception e) when (e is IOException or System.Runtime.InteropServices.ExternalException)
        {
            throw new UnitException(UnitFailureKind.Transient, FirstLine(e), e);
        }
    }

    private UnitOutput Compute(Study study, WorkUnit unit, UnitContext context)
    {
        var (prepared, lease) = Load(study, context.Device, context.Cancellation);
        using var session = lease;
        // Loading may have taken long.
        context.Cancellation.ThrowIfCancellationRequested();
        session.Value.Enter();
        using var scope = torch.NewDisposeScope();
        using var _ = torch.no_grad();
        return prepared.Opened.Method.Run(session.Value, prepared.Plan, unit, context);
    }

    /// <summary>
    /// Once more, with the device to itself and nothing else in memory: the same arithmetic in the same order, so the same bytes. A smaller
    /// piece of a unit would not have them, for sums depend on what is computed together.
    /// </summary>
    private UnitOutput ComputeAlone(Study study, WorkUnit unit, UnitContext context)
    {
        var (done, output) = _gate.Alone(context.Device, () =>
        {
            _sessions.Shrink(study);
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return Compute(study, unit, context);
        });
        return done ? output! : throw new OutOfMemoryException("other units hold the device");
    }

    private void CheckDevice(Study study, string device)
    {
        if (_devices.All.All(d => d.Name != device))
            throw new UnitException(UnitFailureKind.Unfit, $"there is no device {device} here ({_devices.Limits})");
        if (DeviceNames.KindOf(device) != study.Execution.DeviceKind)
            throw new UnitException(UnitFailureKind.Unfit, $"the study is computed on {study.Execution.DeviceKind}, not on {device}");
    }

    private static string FirstLine(Exception e) => e.GetBaseException().Message.Split('\n')[0].TrimEnd();

    /// <inheritdoc/>
    public ReductionOutcome Reduce(Reduction reduction, string folder)
    {
        var reduced = Reduce(reduction);
        if (reduction.Source is { } source) LinkedFiles.Copy(reduced.Result.Linked, folder, source);
        if (reduction.Artifacts is { } artifacts) LinkedFiles.Fetch(reduced.Result.Linked, folder, artifacts);
        var result = reduced.Result with { Warnings = [.. reduced.Result.Warnings, .. reduction.History.Warnings ?? []] };
        RunFolderWriter.Write(result, folder);
        return new ReductionOutcome(result.Answer, result.Warnings, reduced.Failed);
    }

    /// <summary>The result without writing it.</summary>
    public StudyReduction Reduce(Reduction reduction) =>
        Prepare(reduction.Plan.Study, CancellationToken.None).Opened.Method.Reduce(reduction);

    /// <inheritdoc/>
    public IResultMaps? Maps(IStudyPlan plan) => Prepare(plan.Study, CancellationToken.None).Opened.Method.Maps(plan);

    /// <inheritdoc/>
    public void Dispose()
    {
        _prepared.Dispose();
        if (_ownsSessions) _sessions.Dispose();
    }

    /// <summary>
    /// What the study needs of this machine; a file that is not here, or is another one, may well be right on another machine.
    /// </summary>
    private (Prepared, SessionLease) Load(Study study, string device, CancellationToken cancellation)
    {
        try
        {
            return Open(study, device, cancellation);
        }
        catch (StudyException e)
        {
            throw new UnitException(UnitFailureKind.Unfit, e.Message, e);
        }
    }

    private (Prepared, SessionLease) Open(Study study, string device, CancellationToken cancellation)
    {
        if (_sessions.TakeOpen(study, device) is { } open)
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
            return OpenNow(study, device, cancellation);
        }
        catch (StudyException) when (study.Inputs is not null)
        {
            // It was found where files may have gone since: once more, from where they are now.
            _prepared.Forget(study.Id);
            return OpenNow(study, device, cancellation);
        }
    }

    private (Prepared, SessionLease) OpenNow(Study study, string device, CancellationToken cancellation)
    {
        // Here, where one unit's cancellation is its own; what many units wait for together is not to be cancelled by one of them.
        using var files = _files.Open(study.Folder, study.Inputs, cancellation);
        var prepared = Prepare(study, cancellation);
        var torchDevice = device == DeviceNames.Cpu ? null : _devices.Open(device);
        var lease = _sessions.Take(study, (device, torchDevice), prepared.Opened,
            () => _files.Open(study.Folder, study.Inputs, CancellationToken.None));
        return (prepared, lease);
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
