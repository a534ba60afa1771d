using Akka.Actor;
using Akka.Event;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Work;

/// <summary>The part of the broker that deals with workers that die, fail, are slow or cannot do what a study needs.</summary>
public sealed partial class WorkBroker
{
    private void Gone(Terminated m)
    {
        foreach (var worker in _workers.Values.Where(w => w.Actor.Equals(m.ActorRef)).ToArray()) Lose(worker.Id, "died");
    }

    private void Lose(string workerId, string why, bool inOrder = false)
    {
        if (!_workers.Remove(workerId, out var worker)) return;
        Context.Unwatch(worker.Actor);
        var isFirst = true;
        foreach (var lease in worker.Leases.Values.ToArray())
        {
            _log.Warning("worker {0} {1} while it held unit {2} of {3}", workerId, why, lease.Unit.Ordinal, lease.Unit.Study);
            // Only the first one can have been begun: it may be what killed the worker.
            if (!isFirst) GiveBack(worker, lease.Unit);
            else if (Release(worker, lease.Unit.Study, lease.Unit.Ordinal) && _holders.Of(lease.Unit.Study, lease.Unit.Ordinal).Count == 0)
                Tell(lease.Unit.Study, new UnitLost(lease.Unit, workerId, worker.Process, $"worker {workerId} {why}"));
            isFirst = false;
        }
        if (_workers.Values.Any(w => w.Process == worker.Process)) return;
        foreach (var study in _studies.Values) study.Actor.Tell(new ProcessGone(worker.Process, inOrder));
    }

    private void Failed(UnitFailure m)
    {
        var moved = m.Kind switch
        {
            UnitFailureKind.Unfit => PassOver(m),
            UnitFailureKind.Fatal => SetAside(m),
            UnitFailureKind.OutOfMemory => Outgrown(m),
            _ => false,
        };
        if (!moved) Report(m, m.Worker, m.Unit);
    }

    /// <summary>
    /// A worker whose machine cannot compute a study is no reason to hold the unit to have failed, as long as there is another worker.
    /// </summary>
    private bool PassOver(UnitFailure m)
    {
        if (!_workers.TryGetValue(m.Worker, out var worker) || !_studies.ContainsKey(m.Unit.Study)) return false;
        var now = Now;
        if (worker.IsFit(m.Unit.Study, now)) _log.Warning("worker {0} cannot compute {1}: {2}", m.Worker, m.Unit.Study, m.Error);
        worker.Unfit[m.Unit.Study] = (m.Error, now + _settings.UnfitRest);
        return Move(worker, m, now, l => l.Unit.Study == m.Unit.Study);
    }

    /// <summary>
    /// A machine that cannot go on gets no units for a while, where there is another one; all its workers share its fate.
    /// </summary>
    private bool SetAside(UnitFailure m)
    {
        if (!_workers.TryGetValue(m.Worker, out var worker) || !_studies.ContainsKey(m.Unit.Study)) return false;
        var now = Now;
        if (!worker.IsAside(now)) _log.Warning("process {0} is set aside for {1}: {2}", m.Process, _settings.UnfitRest, m.Error);
        foreach (var sibling in _workers.Values.Where(w => w.Process == worker.Process))
            sibling.SetAside = (m.Error, now + _settings.UnfitRest);
        return Move(worker, m, now, _ => true);
    }

    /// <summary>
    /// Counts as a failed attempt, so that no unit is tried for ever; but for a while the study goes to workers with more memory, if there
    /// are any.
    /// </summary>
    private bool Outgrown(UnitFailure m)
    {
        if (!_workers.TryGetValue(m.Worker, out var worker)) return false;
        var until = Now + _settings.UnfitRest;
        _log.Warning("worker {0} has too little memory for {1}: {2}", m.Worker, m.Unit.Study, m.Error);
        var memory = worker.Can.MemoryBytes;
        foreach (var other in _workers.Values)
        {
            var shares = other.Process == worker.Process && other.Device == worker.Device;
            if (shares || (memory > 0 && other.Can.MemoryBytes > 0 && other.Can.MemoryBytes <= memory)) other.Unfit[m.Unit.Study] = (m.Error, until);
        }
        return false;
    }

    /// <summary>Takes the unit back for another worker; false where there is none.</summary>
    /// <param name="alsoQueued">Which of the units that the worker has in hand and has not begun go the same way.</param>
    private bool Move(WorkerEntry worker, UnitFailure m, DateTimeOffset now, Func<Lease, bool> alsoQueued)
    {
        worker.LastBeat = now;
        var (id, study) = (m.Unit.Study, _studies[m.Unit.Study]);
        if (!_workers.Values.Any(w => CanTake(w, id, study, now))) return false;
        foreach (var lease in worker.Leases.Values.Where(l => l.Unit != m.Unit && alsoQueued(l)).ToArray())
        {
            GiveBack(worker, lease.Unit);
            worker.Actor.Tell(new DropUnit(lease.Unit.Study, lease.Unit.Ordinal));
        }
        GiveBack(worker, m.Unit);
        Sender.Tell(new ResultAck(id, m.Unit.Ordinal));
        return true;
    }

    private void SayWhatIsHeldUp(DateTimeOffset now)
    {
        foreach (var (id, study) in _studies)
        {
            var reason = (study.HasWork ? study.Needs?.Unmet([.. _workers.Values.Select(w => w.Can)]) : null) ?? NobodyIsFit(id, study, now);
            if (reason == study.HeldUp) continue;
            study.HeldUp = reason;
            study.Actor.Tell(new StudyHeldUp(reason));
        }
    }

    /// <summary>Why those that have what the study needs cannot compute it all the same; null where one can, or there is none.</summary>
    private string? NobodyIsFit(StudyId id, StudyEntry study, DateTimeOffset now)
    {
        if (_workers.Values.Any(w => CanTake(w, id, study, now))) return null;
        var first = _workers.Values.Where(w => study.Needs?.AreMetBy(w.Can) != false).MinBy(w => w.Id, StringComparer.Ordinal);
        return first?.WhyUnfit(id, now) is { } why ? $"no worker can compute it; {(first.Node.Length > 0 ? first.Node : first.Id)}: {why}" : null;
    }

    /// <summary>
    /// Gives units that are late to idle workers too, where their study has nothing else left to hand out. Whichever result comes first
    /// counts; the other worker is told to drop the unit. Only another process's worker: a sibling is no faster.
    /// </summary>
    private void RerunTail(DateTimeOffset now)
    {
        var idle = _workers.Values.Where(w => w.Wants && w.Leases.Count == 0 && !w.IsAside(now)).OrderBy(w => w.Slowness).ToList();
        if (idle.Count == 0) return;
        foreach (var holder in _workers.Values)
        {
            if (holder.Leases.Count == 0) continue;
            var first = holder.Leases.GetAt(0).Value;
            foreach (var lease in holder.Leases.Values.ToArray())
            {
                var id = lease.Unit.Study;
                if (!_studies.TryGetValue(id, out var study) || study.HasWork || study.Pace.Typical is not { } typical) continue;
                if (lease.IsReported || _holders.Of(id, lease.Unit.Ordinal).Count > 1) continue;
                // A second worker would begin a long unit where its last checkpoint is, and be no faster from there.
                if (ReferenceEquals(lease, first) && lease.Assign?.Unit.Engine == EngineKind.Training) continue;
                var age = now - (ReferenceEquals(lease, first) ? holder.BegunAt : lease.Since);
                var helper = idle.FindIndex(w => w.Process != holder.Process && CanTake(w, id, study, now)
                    && _settings.Tail.IsWorthIt(age, holder.Fraction(lease.Unit), typical, w.Slowness));
                if (helper < 0) continue;
                var worker = idle[helper];
                idle.RemoveAt(helper);
                (worker.Asked, worker.Charged) = (id, 0);
                study.Actor.Tell(new TakeAgain(worker.Id, worker.Process, lease.Unit, holder.Process));
                if (idle.Count == 0) return;
            }
        }
    }
}
