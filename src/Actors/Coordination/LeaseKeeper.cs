using Akka.Actor;
using Akka.Event;
using InterpActors.Actors.Journal;

namespace InterpActors.Actors.Coordination;

/// <summary>
/// Takes the journal's lease for the coordinator above it, keeps it, and gives it back when asked. Says once that it has it
/// (<see cref="Taken"/>), and once that leading is over (<see cref="Lost"/>): another took it, or a coordinator of another cluster has it
/// and goes on. A journal that cannot be reached is neither; whoever writes to it then finds out for himself.
/// </summary>
internal sealed class LeaseKeeper : ReceiveActor, IWithTimers
{
    /// <summary>The lease is ours.</summary>
    public sealed record Taken;

    /// <summary>The lease is another's.</summary>
    public sealed record Lost(string Why);

    /// <summary>To the keeper: give it back. Answered by <see cref="GivenBack"/>, also where the journal cannot be reached.</summary>
    public sealed record GiveBack;

    /// <summary>Another may lead from now on.</summary>
    public sealed record GivenBack;

    private sealed record Tick;

    private sealed record TakeAnswer(string? Holder);

    private sealed record RenewAnswer(bool IsOurs);

    private sealed record Unreachable(Exception Cause);

    private readonly Leadership _leadership;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private bool _busy;
    private bool _taken;
    private bool _leaving;
    private bool _silent;
    private DateTimeOffset? _refusedSince;

    public LeaseKeeper(Leadership leadership)
    {
        _leadership = leadership;
        Receive<Tick>(_ => Step());
        Receive<TakeAnswer>(OnTakeAnswer);
        Receive<RenewAnswer>(m =>
        {
            Answered();
            if (!m.IsOurs && !_leaving) Context.Parent.Tell(new Lost("another coordinator has taken over"));
        });
        Receive<Unreachable>(m =>
        {
            var cause = m.Cause.GetBaseException();
            if (!_silent) _log.Warning("the lease of the journal cannot be asked for: {0}", cause.Message);
            Answered();
            _silent = true;
        });
        Receive<GiveBack>(_ =>
        {
            _leaving = true;
            if (!_busy) Release();
        });
        Receive<GivenBack>(m => Context.Parent.Tell(m));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(Leadership leadership) => Akka.Actor.Props.Create(() => new LeaseKeeper(leadership));

    protected override void PreStart()
    {
        Timers.StartPeriodicTimer("tick", new Tick(), _leadership.Validity / 6);
        Step();
    }

    private void Step()
    {
        if (_busy || _leaving) return;
        _busy = true;
        if (_taken) _leadership.Lease.RenewAsync().PipeTo(Self, success: ours => new RenewAnswer(ours), failure: e => new Unreachable(e));
        else _leadership.Lease.TakeAsync().PipeTo(Self, success: holder => new TakeAnswer(holder), failure: e => new Unreachable(e));
    }

    private void OnTakeAnswer(TakeAnswer m)
    {
        Answered();
        if (m.Holder is not { } holder)
        {
            _taken = true;
            Timers.StartPeriodicTimer("tick", new Tick(), _leadership.Validity / 3);
            if (!_leaving) Context.Parent.Tell(new Taken());
            return;
        }
        var now = DateTimeOffset.UtcNow;
        if (_refusedSince is null) _log.Warning("waiting for the lease of the journal; {0} has it", holder);
        _refusedSince ??= now;
        // A dead holder's lease has run out by then. One that lives and is no member here leads another cluster.
        if (!_leaving && now - _refusedSince > 2 * _leadership.Validity && !_leadership.IsMember(holder))
            Context.Parent.Tell(new Lost($"{holder}, of another cluster, leads the studies of this journal"));
    }

    private void Answered()
    {
        (_busy, _silent) = (false, false);
        if (_leaving) Release();
    }

    private void Release()
    {
        _busy = true;
        _leadership.Lease.ReleaseAsync().PipeTo(Self, success: () => new GivenBack(), failure: _ => new GivenBack());
    }
}

/// <summary>How a coordinator shares a journal with others.</summary>
/// <param name="Validity">How long the lease lasts without renewal.</param>
/// <param name="IsMember">Whether a node (<c>host:port</c>) is in this cluster.</param>
public sealed record Leadership(IJournalLease Lease, TimeSpan Validity, Func<string, bool> IsMember);
