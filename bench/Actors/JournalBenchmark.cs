using System.Text.Json.Nodes;
using InterpActors.TestSupport;

namespace InterpActors.Bench.Actors;

/// <summary>How many completed units a second the whole pipeline takes when the units themselves cost nothing.</summary>
public sealed class JournalBenchmark : IBenchmark
{
    public string Name => "journal";

    public string Summary => "empty units committed per second, through actors and SQLite";

    public JsonObject Run(BenchmarkOptions options) => RunAsync(options).GetAwaiter().GetResult();

    private static async Task<JsonObject> RunAsync(BenchmarkOptions options)
    {
        var figures = new JsonObject();
        (int Workers, int Units, string Name)[] cases =
            [(64, 20_000, "units_per_second"), (Environment.ProcessorCount, 2_000, "units_per_second_all_cores")];
        foreach (var (workers, units, name) in cases)
        {
            await using var node = await BenchNode.StartAsync(workers, new FakePlanner(10, units / 10), new FakeRunner());
            await node.RunAsync(FakePlanner.Study("warm"));
            var rates = new List<double>();
            for (var round = 0; round < (options.Quick ? 3 : 5); round++)
                rates.Add(units / await node.RunAsync(FakePlanner.Study($"round{round}")));
            figures.AddFigure(name, rates);
        }
        return figures;
    }
}
