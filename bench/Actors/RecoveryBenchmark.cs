using System.Diagnostics;
using System.Text.Json.Nodes;
using InterpActors.Host.Hosting;
using InterpActors.TestSupport;

namespace InterpActors.Bench.Actors;

/// <summary>
/// How long a study with 100,000 committed units takes to go on: from starting the node to the first unit handed out, and how long its
/// payloads take to be read back in plan order.
/// </summary>
public sealed class RecoveryBenchmark : IBenchmark
{
    private const int Done = 100_000;

    public string Name => "recovery";

    public string Summary => "seconds until a study with 100,000 committed units goes on";

    public JsonObject Run(BenchmarkOptions options) => RunAsync(options).GetAwaiter().GetResult();

    private static async Task<JsonObject> RunAsync(BenchmarkOptions options)
    {
        var folder = Directory.CreateTempSubdirectory("interp-bench-").FullName;
        try
        {
            var planner = new FakePlanner(100, Done / 100 + 10);
            var study = FakePlanner.Study();
            var journal = Path.Combine(folder, "journal.db");
            await using (var node = await LocalNode.StartAsync(new LocalNodeOptions(journal, 64, planner, new FakeRunner())))
            {
                await node.SubmitAsync(study);
                while ((await node.ProgressAsync()).Committed < Done) await Task.Delay(5);
                await node.PauseAndFlushAsync(TimeSpan.FromSeconds(10));
            }

            var (starts, reads) = (new List<double>(), new List<double>());
            for (var round = 0; round < (options.Quick ? 3 : 7); round++)
            {
                using var stay = new ManualResetEventSlim();
                var first = new TaskCompletionSource();
                var runner = new FakeRunner
                {
                    Work = (_, c) =>
                    {
                        first.TrySetResult();
                        stay.Wait(c.Cancellation);
                    },
                };
                var clock = Stopwatch.StartNew();
                var again = new LocalNodeOptions(journal, 2, planner, runner) { Process = $"round{round}" };
                await using var node = await LocalNode.StartAsync(again);
                var progress = await node.SubmitAsync(study);
                await first.Task;
                starts.Add(clock.Elapsed.TotalSeconds);
                if (progress.Resumed < Done) throw new InvalidOperationException($"only {progress.Resumed} units were recovered");
                clock.Restart();
                var payloads = await node.ReadPayloadsAsync();
                for (var i = 0; i < planner.Plan(study).UnitCount; i++) payloads(i);
                reads.Add(clock.Elapsed.TotalSeconds);
                await node.StopAsync(TimeSpan.FromMilliseconds(50));
            }
            return new JsonObject().AddFigure("seconds_100k_units", starts).AddFigure("seconds_100k_payloads", reads);
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }
}
