using InterpActors.Host.Hosting;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Cluster.Tests;

/// <summary>A node that has to begin anew as a member, in the middle of its work.</summary>
public sealed class NewMembershipTests(SmallStudy small) : ClusterTest(small), IClassFixture<SmallStudy>
{
    /// <summary>Computes as the engine does, one unit each time it is told to.</summary>
    private sealed class Runner(IUnitRunner inner) : IUnitRunner
    {
        public SemaphoreSlim Begun { get; } = new(0);

        public SemaphoreSlim Go { get; } = new(0);

        public UnitOutput Run(Study study, WorkUnit unit, UnitContext context)
        {
            Begun.Release();
            Go.Wait(context.Cancellation);
            return inner.Run(study, unit, context);
        }

        public void Dispose()
        {
            Begun.Dispose();
            Go.Dispose();
        }
    }

    [Fact]
    public async Task The_unit_in_hand_and_the_result_that_nobody_acknowledged_go_with_it()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        using var runner = new Runner(Engine);
        var coordinator = await Coordinator(0);
        try
        {
            var (seed, journal) = ($"{coordinator.Host}:{coordinator.Port}", At("coordinator/journal.db"));
            await using var node = await ClusterNode.StartAsync(
                new ClusterNodeOptions(["compute"], At("node"), Engine, runner) { Seeds = [seed] });
            await coordinator.Desk!.SubmitAsync(Small.Study);

            await runner.Begun.WaitAsync(limit.Token);
            await BeginAnew(node, limit.Token);
            runner.Go.Release();
            await Until(coordinator.Desk!, p => p.Committed == 1);

            // The next one is finished while there is no coordinator, and the node changes its membership with the result in its hands.
            await runner.Begun.WaitAsync(limit.Token);
            await coordinator.DisposeAsync();
            runner.Go.Release();
            while (Computed() < 2) await Task.Delay(20, limit.Token);
            var again = BeginAnew(node, limit.Token);
            coordinator = await Coordinator(coordinator.Port);
            await again;
            await Until(coordinator.Desk!, p => p.Committed == 2);
            runner.Go.Release(1000);
            await Until(coordinator.Desk!, p => p.State == RunState.Completed);

            await CheckResults(coordinator.Desk!, journal);
            var process = Assert.Single((await coordinator.Desk!.HistoryAsync(Small.Study.Id)).Processes);
            Assert.Equal((process.UnitsCommitted, process.UnitsCommitted), (process.UnitsComputed, Computed()));
        }
        finally
        {
            await coordinator.DisposeAsync();
        }
    }

    private int Computed() => File.Exists(At("node/computed.log")) ? File.ReadLines(At("node/computed.log")).Count() : 0;

    private Task<ClusterNode> Coordinator(int port) => ClusterNode.StartAsync(
        new ClusterNodeOptions(["coordinator"], At("coordinator"), Engine, Engine)
        {
            Port = port,
            // The node is in no cluster when it comes back.
            Overrides = "interp.node.find-cluster = 1s\n",
        });

    /// <summary>As though the others had removed it.</summary>
    private static async Task BeginAnew(ClusterNode node, CancellationToken limit)
    {
        var before = node.Membership;
        before.Cluster.Down(before.Address);
        while (node.Membership == before) await Task.Delay(50, limit);
    }
}
