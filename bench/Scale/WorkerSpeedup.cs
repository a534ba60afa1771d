using System.Globalization;
using System.Text.Json.Nodes;
using InterpActors.Bench.Actors;
using InterpActors.TestSupport;

namespace InterpActors.Bench.Scale;

/// <summary>
/// What more workers bring where a unit takes 100 ms whatever else runs: units per second of a whole study, from its submission to its last
/// journal entry, over those of one worker.
/// </summary>
internal static class WorkerSpeedup
{
    private static readonly TimeSpan Unit = TimeSpan.FromMilliseconds(100);

    public static async Task MeasureAsync(JsonObject figures, bool quick)
    {
        var perWorker = quick ? 30 : 100;
        var one = await RateAsync(1, perWorker);
        foreach (var workers in new[] { 2, 16 })
        {
            var speedup = await RateAsync(workers, perWorker) / one;
            figures[$"speedup_{workers}_workers"] = speedup;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{$"speedup_{workers}_workers",-36} {speedup,12:G5}"));
        }
    }

    private static async Task<double> RateAsync(int workers, int unitsPerWorker)
    {
        var units = workers * unitsPerWorker;
        var runner = new FakeRunner { Work = (_, c) => c.Cancellation.WaitHandle.WaitOne(Unit) };
        await using var node = await BenchNode.StartAsync(workers, new FakePlanner(1, units), runner);
        // Once before: neither the compiler nor a new journal is to count against whoever comes first.
        await node.RunAsync(FakePlanner.Study("warm"));
        return units / await node.RunAsync(FakePlanner.Study());
    }
}
