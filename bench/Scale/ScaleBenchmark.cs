using System.Text.Json.Nodes;

namespace InterpActors.Bench.Scale;

/// <summary>What a cluster's machinery stands: more workers, many small units, a very long study, and nothing to do at all.</summary>
public sealed class ScaleBenchmark : IBenchmark
{
    public string Name => "scale";

    public string Summary => "speed-up by workers, units/s of 1,000 workers, a study of a million units, idle nodes";

    public JsonObject Run(BenchmarkOptions options) => RunAsync(options).GetAwaiter().GetResult();

    private static async Task<JsonObject> RunAsync(BenchmarkOptions options)
    {
        var figures = new JsonObject();
        // The idle nodes settle while the others are measured; they take no time from them.
        using var idle = await IdleNodes.StartAsync();
        await WorkerSpeedup.MeasureAsync(figures, options.Quick);
        await ThousandWorkers.MeasureAsync(figures, options.Quick);
        await MillionUnits.MeasureAsync(figures, options.Quick);
        if (idle is not null) await idle.MeasureAsync(figures, options.Quick);
        return figures;
    }
}
