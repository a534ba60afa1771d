using System.Globalization;
using System.Text.Json.Nodes;
using InterpActors.Bench.Actors;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using InterpActors.TestSupport;

namespace InterpActors.Bench.Scale;

/// <summary>
/// What more workers bring where a unit takes 100 ms whatever else runs: units per second of a whole study, from its submission to its last
/// journal entry, over those of one worker (the better of a run before the others and one after them).
/// </summary>
internal static class WorkerSpeedup
{
    private static readonly TimeSpan Unit = TimeSpan.FromMilliseconds(100);

    public static async Task MeasureAsync(JsonObject figures, bool quick)
    {
        var perWorker = quick ? 30 : 100;
        var before = await RateAsync(1, perWorker);
        var (two, sixteen) = (await RateAsync(2, perWorker), await RateAsync(16, perWorker));
        var one = Math.Max(before, await RateAsync(1, perWorker));
        foreach (var (workers, rate) in new[] { (2, two), (16, sixteen) })
        {
            var speedup = rate / one;
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
