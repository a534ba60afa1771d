using System.Diagnostics;
using InterpActors.Host.Hosting;
using InterpActors.Messages.Studies;

namespace InterpActors.Cluster.Tests;

/// <summary>
/// Random deaths (one study, or as long as <c>INTERP_CHAOS</c> says) and cut cables; the bytes of a local run must come out of every one.
/// </summary>
public sealed class ChaosTests(SmallStudy small) : ClusterTest(small), IClassFixture<SmallStudy>
{
    [Fact]
    public async Task Compute_nodes_that_are_killed_every_few_seconds_change_nothing_but_the_time()
    {
        var watch = Stopwatch.StartNew();
        var random = new Random(1);
        for (var round = 0; round == 0 || watch.Elapsed < ChaosFactAttribute.Length; round++)
        {
            var here = $"round{round}";
            await using var coordinator = await ClusterNode.StartAsync(
                new ClusterNodeOptions(["coordinator"], At($"{here}/coordinator"), Engine, Engine));
            var seed = $"{coordinator.Host}:{coordinator.Port}";
            var desk = coordinator.Desk!;
            var started = 0;
            var killed = 0;
            var nodes = new List<NodeProcess>();
            try
            {
                for (; started < 3; started++) nodes.Add(await Compute($"{here}/node{started}", seed));
                await desk.SubmitAsync(Small.Study);
                while ((await desk.ProgressAsync(Small.Study.Id))!.State != RunState.Completed)
                {
                    await Task.Delay(TimeSpan.FromSeconds(random.NextDouble() * 4));
                    var doomed = nodes[random.Next(nodes.Count)];
                    nodes.Remove(doomed);
                    await doomed.KillAsync();
                    doomed.Dispose();
                    killed++;
                    nodes.Add(await Compute($"{here}/node{started++}", seed));
                }
                await CheckResults(desk, At($"{here}/coordinator/journal.db"));
                var logs = Enumerable.Range(0, started).Select(i => At($"{here}/node{i}/computed.log")).Where(File.Exists);
                var computed = logs.Sum(f => File.ReadLines(f).Count());
                var units = (await desk.ProgressAsync(Small.Study.Id))!.Planned;
                Assert.InRange(computed, units, units + killed);
            }
            finally
            {
                foreach (var node in nodes) node.Dispose();
            }
        }
    }

    [ChaosFact]
    public async Task A_cluster_that_was_cut_in_two_goes_on_and_is_one_again_afterwards()
    {
        using var split = new Split();
        using var coordinator = await NodeProcess.StartInAsync(
            "", ["--roles", "coordinator", "--host", Split.LeftAddress, "--data", At("coordinator"), "--http", "8601"],
            network: split.Left);
        var nodes = new List<NodeProcess>();
        try
        {
            // The coordinator's side is the smaller one.
            nodes.Add(await On(split.Left, Split.LeftAddress, "left", coordinator.Address));
            for (var i = 0; i < 3; i++) nodes.Add(await On(split.Right, Split.RightAddress, $"right{i}", coordinator.Address));
            string[] cluster = ["--cluster", "http://127.0.0.1:8601"];
            Assert.Equal(0, (await NodeProcess.FinishInAsync(split.Left, ["submit", Small.File, .. cluster])).Code);
            split.Cut();
            // Long enough for the larger half to go on without the other.
            await Task.Delay(TimeSpan.FromSeconds(Math.Clamp(ChaosFactAttribute.Length.TotalSeconds, 30, 60)));
            split.Heal();

            var report = await NodeProcess.FinishInAsync(split.Left, ["watch", Small.Study.Id.Value, .. cluster]);
            Assert.True(report.Code == 0, report.Errors);
            var fetch = await NodeProcess.FinishInAsync(split.Left, ["report", Small.Study.Id.Value, "--out", At("results"), .. cluster]);
            Assert.True(fetch.Code == 0, fetch.Errors);
            Assert.Equal(await Small.LocalResults(), await File.ReadAllBytesAsync(At("results/results.csv")));
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(90));
            while (!CoordinatorSees(nodes)) await Task.Delay(1000, limit.Token);
        }
        finally
        {
            foreach (var node in nodes) node.Dispose();
        }

        bool CoordinatorSees(List<NodeProcess> all)
        {
            var remembered = File.ReadAllLines(At("coordinator/members.txt"));
            return all.TrueForAll(n => remembered.Contains(n.Address));
        }
    }

    private Task<NodeProcess> On(string network, string host, string name, string seed) => NodeProcess.StartInAsync(
        "", ["--roles", "compute", "--workers", "1", "--host", host, "--data", At(name), "--seed-node", seed], network: network);
}
