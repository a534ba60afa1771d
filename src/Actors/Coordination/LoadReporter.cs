using Akka.Actor;
using InterpActors.Messages.Cluster;

namespace InterpActors.Actors.Coordination;

/// <summary>Tells the coordinator now and then how busy this member is.</summary>
public sealed class LoadReporter : ReceiveActor, IWithTimers
{
    private sealed record Tick;

    private readonly string _node;
    private readonly IActorRef _coordinator;
    private readonly TimeSpan _every;
    private readonly Func<IReadOnlyList<DeviceLoad>> _devices;
    private (TimeSpan Used, DateTimeOffset At) _last = (Environment.CpuUsage.TotalTime, DateTimeOffset.UtcNow);

    /// <param name="devices">Reads the memory of the devices that this member computes on.</param>
    public LoadReporter(string node, IActorRef coordinator, TimeSpan every, Func<IReadOnlyList<DeviceLoad>> devices)
    {
        (_node, _coordinator, _every, _devices) = (node, coordinator, every, devices);
        Receive<Tick>(_ => Measure());
        Receive<NodeLoad>(_coordinator.Tell);
        // A look at the devices failed: the next one may not.
        Receive<Status.Failure>(_ => { });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() => Timers.StartPeriodicTimer("tick", new Tick(), TimeSpan.FromSeconds(1), _every);

    private void Measure()
    {
        var (used, at) = (Environment.CpuUsage.TotalTime, DateTimeOffset.UtcNow);
        var passed = (at - _last.At).TotalSeconds;
        var cores = passed > 0 ? Math.Max(0, (used - _last.Used).TotalSeconds / passed) : 0;
        _last = (used, at);
        // Drivers take their time.
        Task.Run(() => new NodeLoad(_node, Math.Round(cores, 3), Environment.ProcessorCount, Environment.WorkingSet, _devices()))
            .PipeTo(Self);
    }
}
