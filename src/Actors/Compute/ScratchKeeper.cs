using Akka.Actor;
using Akka.Event;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Studies;

namespace InterpActors.Actors.Compute;

/// <summary>
/// Removes from a cluster node's folder, at its start and now and then, what units keep for going on once their study is over; and what
/// studies share, activations and copies of results that the coordinators have, once no study is left that has a folder there.
/// </summary>
public sealed class ScratchKeeper : ReceiveActor, IWithTimers
{
    /// <summary>Of a study that no coordinator knows (any more): it may be submitted again.</summary>
    private static readonly TimeSpan StrangersKept = TimeSpan.FromDays(1);

    private sealed record Tick;

    private sealed record Found(IReadOnlyList<(StudyId Study, DateTime Changed)> Studies);

    private sealed record Removed(long Bytes);

    private readonly Dictionary<StudyId, DateTime> _changed = [];
    private readonly TimeSpan _every;

    /// <param name="folder">Where the node's units keep their files.</param>
    /// <param name="every">Between two looks.</param>
    public ScratchKeeper(string folder, IActorRef coordinator, TimeSpan every)
    {
        var log = Context.GetLogger();
        Receive<Tick>(_ => Task.Run(() => new Found(UnitFiles.Studies(folder))).PipeTo(Self, failure: e => new Status.Failure(e)));
        Receive<Found>(m =>
        {
            _changed.Clear();
            foreach (var (study, changed) in m.Studies)
            {
                _changed[study] = changed;
                coordinator.Tell(new GetProgress(study));
            }
            if (m.Studies.Count == 0)
                Task.Run(() => new Removed(UnitFiles.ForgetShared(folder))).PipeTo(Self, failure: e => new Status.Failure(e));
        });
        Receive<ProgressReply>(m =>
        {
            if (m.Progress is { Error: null, State: RunState.Completed or RunState.CompletedWithErrors or RunState.Cancelled })
                Forget(folder, m.Progress.Study);
        });
        Receive<StudyRefused>(m =>
        {
            if (_changed.TryGetValue(m.Study, out var changed) && DateTime.UtcNow - changed > StrangersKept) Forget(folder, m.Study);
        });
        Receive<Removed>(m =>
        {
            if (m.Bytes > 0) log.Info("removed {0} bytes that no study needs", m.Bytes);
        });
        Receive<Status.Failure>(m => log.Warning("what units left cannot be looked at: {0}", m.Cause.Message));
        _every = every;
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() =>
        Timers.StartPeriodicTimer("tick", new Tick(), TimeSpan.FromSeconds(Math.Min(5, _every.TotalSeconds)), _every);

    private static void Forget(string folder, StudyId study) => Task.Run(() => UnitFiles.Forget(folder, study));
}
