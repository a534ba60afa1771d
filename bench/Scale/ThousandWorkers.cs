using System.Diagnostics;
using System.Text.Json.Nodes;
using InterpActors.Messages.Studies;
using InterpActors.TestSupport;

namespace InterpActors.Bench.Scale;

/// <summary>How many empty units a second a coordinator brings through its journal when 1,000 workers ask for them one by one.</summary>
internal static class ThousandWorkers
{
    private const int Workers = 1000;

    public static async Task MeasureAsync(JsonObject figures, bool quick)
    {
        var units = quick ? 40_000 : 100_000;
        using var folder = new TemporaryFolder();
        var journal = Path.Combine(folder.Path, "journal.db");
        await using var cluster = await SimulatedCluster.StartAsync(journal, Workers, new FakePlanner(20, units / 20));
        var rates = new List<double>();
        for (var round = 0; round <= (quick ? 2 : 5); round++)
        {
            var study = FakePlanner.Study($"round{round}");
            var clock = Stopwatch.StartNew();
            await cluster.SubmitAsync(study);
            while ((await cluster.ProgressAsync(study.Id)).State != RunState.Completed) await Task.Delay(5);
            var seconds = clock.Elapsed.TotalSeconds;
            if (SimulatedCluster.Committed(journal, study.Id) != units)
                throw new InvalidOperationException("the journal does not hold every unit once");
            // The first round warms up.
            if (round > 0) rates.Add(units / seconds);
        }
        figures.AddFigure("units_per_second_1000_workers", rates);
    }
}
