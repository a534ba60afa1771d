using Akka.Actor;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;

namespace InterpActors.Actors.Work;

/// <summary>The part of the broker that knows which studies there are.</summary>
public sealed partial class WorkBroker
{
    private void Describe(DescribeStudy m)
    {
        if (_studies.TryGetValue(m.Study, out var study)) study.Actor.Forward(m);
    }

    private void Open(StudyOpened m)
    {
        _awaited?.Remove(m.Study);
        if (_studies.TryGetValue(m.Study, out var study)) study.Actor = Sender;
        else
        {
            study = new StudyEntry(Sender);
            _studies.Add(m.Study, study);
        }
        (study.Needs, study.Share.Priority) = (m.Needs ?? study.Needs, m.Priority);
        Context.Unwatch(study.Actor);
        Context.WatchWith(Sender, new StudyDied(m.Study, Sender));
        study.HasWork = m.HasWork;
        if (m.HasWork) _share.Join(study.Share);
        foreach (var lease in _workers.Values.SelectMany(w => w.Leases.Values).Where(l => l.Unit.Study == m.Study))
            Sender.Tell(new UnitClaimed(lease.Unit));
        if (m.HasWork) ServeAll();
    }

    private void HasWork(StudyId id)
    {
        if (!_studies.TryGetValue(id, out var study)) return;
        if (!study.HasWork) _share.Join(study.Share);
        study.HasWork = true;
        ServeAll();
    }

    private void Close(StudyId id)
    {
        _awaited?.Remove(id);
        if (_studies.Remove(id, out var study)) Context.Unwatch(study.Actor);
        foreach (var worker in _workers.Values)
        {
            if (worker.Asked == id) worker.Asked = null;
            worker.Unfit.Remove(id);
            foreach (var key in worker.Leases.Keys.Where(k => k.Study == id).ToArray())
            {
                Release(worker, id, key.Ordinal);
                worker.Actor.Tell(new DropUnit(id, key.Ordinal));
            }
        }
        ServeAll();
    }

    private void Died(StudyDied m)
    {
        if (!_studies.TryGetValue(m.Study, out var study) || !study.Actor.Equals(m.Actor)) return;
        if (_settings.ReviveAfter <= TimeSpan.Zero)
        {
            Close(m.Study);
            return;
        }
        // Its journal failed, and it will be read again: workers go on, keep their results and keep sending them.
        _studies.Remove(m.Study);
        _awaited?.Add(m.Study);
        foreach (var worker in _workers.Values.Where(w => w.Asked == m.Study)) worker.Asked = null;
        ServeAll();
    }
}
