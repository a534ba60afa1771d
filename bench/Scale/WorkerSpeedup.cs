using System.Globalization;
using System.Text.Json.Nodes;
using InterpActors.Bench.Actors;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using InterpActors.TestSupport;

namespace InterpActors.Bench.Scale;

/// <summary>
/// What more workers bring where a unit takes 100 ms whatever else runs: units per second of a whole study, from its submission to its last
/// journal entry, over those of one worker. The best of some rounds of each, in turn, so that what else runs on the machine counts little.
/// </summary>
internal static class WorkerSpeedup
{
    private static readonly TimeSpan Unit = TimeSpan.FromMilliseconds(100);

    public static async Task MeasureAsync(JsonObject figures, bool quick)
    {
        var (perWorker, rounds) = quick ? (40, 1) : (100, 3);
        var rates = new Dictionary<int, double> { [1] = 0, [2] = 0, [16] = 0 };
        for (var round = 0; round < rounds; round++)
            foreach (var workers in rates.Keys.ToArray()) rates[workers] = Math.Max(rates[workers], await RateAsync(workers, perWorker));
        foreach (var workers in new[] { 2, 16 })
        {
            var speedup = rates[workers] / rates[1];
            figures[$"speedup_{workers}_workers"] = speedup;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{$"speedup_{workers}_workers",-36} {speedup,12:G5}"));
        }
    }

    private static async Task<double> RateAsync(int workers, int unitsPerWorker)
    {
        var units = workers * unitsPerWorker;
        var runner = new FakeRunner { Work = (_, c) => c.Cancellation.WaitHandle.WaitOne(Unit) };
        await using var node = await BenchNode.StartAsync(workers, new TwoStudies(5 * workers, units), runner);
        await node.RunAsync(FakePlanner.Study(TwoStudies.Short));
        return units / await node.RunAsync(FakePlanner.Study());
    }

    /// <summary>A short study to begin with: neither the compiler nor a new journal is to count against whoever comes first.</summary>
    private sealed class TwoStudies(int shortUnits, int units) : IStudyPlanner
    {
        public const string Short = "short";

        public IStudyPlan Plan(Study study) => new FakePlan(study, 1, study.Name == Short ? shortUnits : units);
    }
}
