using Akka.Actor;
using Akka.Event;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Compute;

/// <summary>
/// Computes units of <see cref="EngineKind.Training"/>: long ones, which write checkpoints and go on from the last good one wherever it was
/// written.
/// </summary>
public sealed class TrainingActor(ComputeServices services) : EngineActor(services.Runner, services.Ledger, services.Process)
{
    private readonly ILoggingAdapter _log = Context.GetLogger();

    private protected override UnitContext Offer(ComputeUnit m, IActorRef worker)
    {
        var unit = m.Assign.Try();
        return base.Offer(m, worker) with
        {
            Folder = services.Folder,
            Own = services.Folder is { } folder ? UnitFiles.Own(folder, unit.Study, unit.Ordinal) : null,
            HarvestLimit = services.Settings.HarvestLimit,
            Artifacts = services.Artifacts,
            From = m.Assign.From,
            Checkpoint = c => worker.Tell(new EngineCheckpoint(unit, c)),
            Say = words => worker.Tell(new EngineWords(unit, words)),
            Warn = line =>
            {
                _log.Warning("{0}", line);
                worker.Tell(new EngineWarning(unit, line));
            },
        };
    }
}
