using System.Diagnostics;
using System.Text.Json.Nodes;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using InterpActors.TestSupport;

namespace InterpActors.Bench.Actors;

/// <summary>
/// What journal, protocol and actors cost: units of 50 ms through a local node and through a bare loop over the runner, block by block in
/// turn on the same engine thread, so that both see the same machine.
/// </summary>
public sealed class OverheadBenchmark : IBenchmark
{
    private const double UnitMilliseconds = 50;
    private const int Block = 10;

    public string Name => "overhead";

    public string Summary => "time through the actors over a bare loop, minus 1, at 50 ms units";

    public JsonObject Run(BenchmarkOptions options) => RunAsync(options).GetAwaiter().GetResult();

    private static async Task<JsonObject> RunAsync(BenchmarkOptions options)
    {
        var blocks = options.Quick ? 17 : 60;
        var figures = new JsonObject();
        foreach (var (workers, suffix) in new[] { (1, ""), (Environment.ProcessorCount, "_all_cores") })
        {
            var runner = new AlternatingRunner(UnitMilliseconds, Block);
            var planner = new FakePlanner(1, ((blocks + 1) * Block + 1) * workers, EngineKind.Patching);
            await using var node = await BenchNode.StartAsync(workers, planner, runner);
            await node.RunAsync(FakePlanner.Study());
            figures.AddFigure("overhead_ratio" + suffix, runner.Ratios);
            figures.AddFigure("milliseconds_between_units" + suffix, runner.Gaps);
        }
        return figures;
    }
}

/// <summary>
/// A unit is a fixed amount of arithmetic (so processor time taken by the actors counts too). After every block of units that came through
/// the actors, a thread runs as many in a bare loop.
/// </summary>
internal sealed class AlternatingRunner : IUnitRunner
{
    private sealed class Lane
    {
        public long BlockStarted;
        public long UnitEnded;
        public int Units;
    }

    private readonly ThreadLocal<Lane> _lane = new(() => new Lane());
    private readonly int _block;
    private readonly long _steps;

    public AlternatingRunner(double milliseconds, int block)
    {
        _block = block;
        Burn(1_000_000);
        var rate = Enumerable.Range(0, 9).Max(_ =>
        {
            var clock = Stopwatch.StartNew();
            Burn(5_000_000);
            return 5_000_000 / clock.Elapsed.TotalMilliseconds;
        });
        _steps = (long)(rate * milliseconds);
    }

    /// <summary>Time of a block through the actors over that of the bare block after it, minus 1.</summary>
    public List<double> Ratios { get; } = [];

    /// <summary>Milliseconds between the end of a unit and the start of the next one.</summary>
    public List<double> Gaps { get; } = [];

    public UnitOutput Run(Study study, WorkUnit unit, UnitContext context)
    {
        var now = Stopwatch.GetTimestamp();
        var lane = _lane.Value!;
        if (lane.Units == _block)
        {
            var actors = Stopwatch.GetElapsedTime(lane.BlockStarted, now);
            var bare = Stopwatch.StartNew();
            for (var i = 0; i < _block; i++) Compute();
            lock (Ratios) Ratios.Add(actors / bare.Elapsed - 1);
            lane.Units = 0;
            now = Stopwatch.GetTimestamp();
        }
        else if (lane.Units > 0)
        {
            lock (Gaps) Gaps.Add(Stopwatch.GetElapsedTime(lane.UnitEnded, now).TotalMilliseconds);
        }
        if (lane.Units++ == 0) lane.BlockStarted = now;
        var output = Compute();
        lane.UnitEnded = Stopwatch.GetTimestamp();
        return output;
    }

    public void Dispose() => _lane.Dispose();

    private UnitOutput Compute() => new(BitConverter.GetBytes(Burn(_steps)), null);

    private static double Burn(long steps)
    {
        var x = 1.0;
        for (long i = 0; i < steps; i++) x = x * 1.0000001 + 1e-9;
        return x;
    }
}
