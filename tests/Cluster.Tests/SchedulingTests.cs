using System.Collections.Concurrent;
using InterpActors.Compute.Studies;
using InterpActors.Compute.Tests.Devices;
using InterpActors.Host.Hosting;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Cluster.Tests;

/// <summary>Whose units go where, with nodes in the test's process, so that their runners can be slow, full or of other devices.</summary>
public sealed class SchedulingTests(SmallStudy small) : ClusterTest(small), IClassFixture<SmallStudy>
{
    /// <summary>Computes as the engine does, after whatever a test wants to happen first.</summary>
    private sealed class Runner(IUnitRunner inner, Action<UnitContext> before) : IUnitRunner
    {
        public UnitOutput Run(Study study, WorkUnit unit, UnitContext context)
        {
            before(context);
            return inner.Run(study, unit, context);
        }

        public void Dispose()
        {
        }
    }

    private async Task<(ClusterNode Coordinator, string Seed)> Coordinator()
    {
        var coordinator = await ClusterNode.StartAsync(new ClusterNodeOptions(["coordinator"], At("coordinator"), Engine, Engine));
        return (coordinator, $"{coordinator.Host}:{coordinator.Port}");
    }

    private Task<ClusterNode> Node(string name, string seed, IUnitRunner runner,
        Func<ClusterNodeOptions, ClusterNodeOptions>? change = null)
    {
        var options = new ClusterNodeOptions(["compute"], At(name), Engine, runner) { Seeds = [seed] };
        return ClusterNode.StartAsync(change?.Invoke(options) ?? options);
    }

    [Fact]
    public async Task A_worker_that_is_far_slower_than_the_others_does_not_hold_the_study_up()
    {
        var (coordinator, seed) = await Coordinator();
        await using var _ = coordinator;
        // Minutes for a unit that takes a quarter of a second.
        var stuck = new Runner(Engine, c => c.Cancellation.WaitHandle.WaitOne(TimeSpan.FromMinutes(5)));
        await using var slow = await Node("slow", seed, stuck);
        await using var fast = await Node("fast", seed, new Runner(Engine, _ => { }));
        var desk = coordinator.Desk!;
        await desk.SubmitAsync(Small.Study);
        await Until(desk, p => p.State == RunState.Completed);

        await CheckResults(desk, At("coordinator/journal.db"));
        var history = await desk.HistoryAsync(Small.Study.Id);
        Assert.Equal(2, history.Processes.Count);
        Assert.Equal(history.Planned, history.Processes.Sum(p => p.UnitsComputed));
        Assert.Contains(history.Processes, p => p.UnitsCommitted == 0);
    }

    [Fact]
    public async Task A_study_for_cuda_devices_waits_for_them_and_runs_on_all_of_them()
    {
        var (coordinator, seed) = await Coordinator();
        await using var _ = coordinator;
        await using var cpu = await Node("cpu", seed, Engine);
        var desk = coordinator.Desk!;
        var study = StudyCompiler.On(Small.Study, DeviceNames.Cuda);
        await desk.SubmitAsync(study, 2);
        await Until(desk, p => p.Waiting is not null);
        var waiting = (await desk.ProgressAsync(study.Id))!;
        Assert.Equal(("needs a cuda device; there are cpu", 0, 2), (waiting.Waiting, waiting.Committed, waiting.Priority));

        var devices = new SimulatedDevices();
        using var engine = new StudyEngine(StudyKinds.All, ownSessions: true, devices: devices);
        var used = new ConcurrentDictionary<string, int>();
        await using var cuda = await Node("cuda", seed, new Runner(engine, c => used.AddOrUpdate(c.Device, 1, (_, n) => n + 1)),
            o => o with { Devices = devices.All });
        await Until(desk, p => p.State == RunState.Completed);
        Assert.Equal(["cuda:0", "cuda:1"], used.Keys.Order());
        Assert.Null((await desk.ProgressAsync(study.Id))!.Waiting);
        Assert.Empty((await desk.HistoryAsync(study.Id)).Failures);
    }

    [Fact]
    public async Task A_node_whose_disk_is_full_is_set_aside_and_the_study_goes_on()
    {
        var (coordinator, seed) = await Coordinator();
        await using var _ = coordinator;
        var full = 0;
        await using var broken = await Node("broken", seed, new Runner(Engine, _ =>
        {
            if (Interlocked.Increment(ref full) > 1) throw new UnitException(UnitFailureKind.Fatal, "the disk is full");
        }));
        await using var other = await Node("other", seed, Engine);
        var desk = coordinator.Desk!;
        await desk.SubmitAsync(Small.Study);
        await Until(desk, p => p.State == RunState.Completed);

        await CheckResults(desk, At("coordinator/journal.db"));
        Assert.Equal(2, full);
        Assert.Equal(["the disk is full", null], (await desk.MembersAsync()).Workers.Select(w => w.SetAside).OrderDescending());
    }
}
