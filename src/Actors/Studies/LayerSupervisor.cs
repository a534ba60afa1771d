using Akka.Actor;
using InterpActors.Actors.Work;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Studies;

/// <summary>
/// Owns the units of one layer: hands out the next one, lets a failed one rest longer after every failure, and stops when all are settled.
/// The counts of failures come from the study's journal, so they survive every restart.
/// </summary>
public sealed class LayerSupervisor : ReceiveActor, IWithTimers
{
    private sealed record Due;

    private readonly int _index;
    private readonly IStudyPlan _plan;
    private readonly LayerQueue _queue;
    private readonly RetryPolicy _retry;
    private readonly TimeProvider _clock;
    private bool _dry;

    /// <param name="index">Place among the plan's layers.</param>
    public LayerSupervisor(int index, IStudyPlan plan, LayerQueue queue, RetryPolicy retry, TimeProvider clock)
    {
        _index = index;
        _plan = plan;
        _queue = queue;
        _retry = retry;
        _clock = clock;

        Receive<TakeUnit>(Take);
        Receive<SettleUnit>(m => _queue.Settle(m.Ordinal));
        Receive<PutBackUnit>(PutBack);
        Receive<ClaimUnit>(m => _queue.Claim(m.Ordinal));
        Receive<PutBackAllUnits>(_ =>
        {
            _queue.PutBackAll();
            Offer();
        });
        Receive<Due>(_ => Offer());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(int index, IStudyPlan plan, LayerQueue queue, RetryPolicy retry, TimeProvider clock) =>
        Akka.Actor.Props.Create(() => new LayerSupervisor(index, plan, queue, retry, clock));

    private void Take(TakeUnit m)
    {
        if (_queue.Take(_clock.GetUtcNow()) is { } next)
        {
            Sender.Tell(new LayerOffer(_index, m, _plan[next.Ordinal], next.Attempt));
            return;
        }
        _dry = true;
        Sender.Tell(new LayerDry(_index, m));
        Wait();
    }

    private void PutBack(PutBackUnit m)
    {
        var now = _clock.GetUtcNow();
        _queue.PutBack(m.Ordinal, m.InARow > 0 ? now + _retry.Delay(m.InARow) : now, m.Failures);
        Offer();
    }

    private void Offer()
    {
        if (_queue.NextDue() is not { } due) return;
        if (due > _clock.GetUtcNow())
        {
            Wait();
            return;
        }
        if (_dry) Context.Parent.Tell(new LayerHasWork(_index));
        _dry = false;
    }

    private void Wait()
    {
        if (_queue.NextDue() is not { } due) return;
        var pause = due - _clock.GetUtcNow();
        Timers.StartSingleTimer("due", new Due(), pause > TimeSpan.FromMilliseconds(1) ? pause : TimeSpan.FromMilliseconds(1));
    }
}
