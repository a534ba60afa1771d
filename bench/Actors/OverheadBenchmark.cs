using System.Diagnostics;
using System.Text.Json.Nodes;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using InterpActors.TestSupport;

namespace InterpActors.Bench.Actors;

/// <summary>
/// What journal, protocol and actors cost: the same units of 50 ms through a bare loop over the runner and through a local node, in turn.
/// A unit is a fixed amount of arithmetic, so that processor time taken by the actors counts too.
/// </summary>
public sealed class OverheadBenchmark : IBenchmark
{
    private const double UnitMilliseconds = 50;

    public string Name => "overhead";

    public string Summary => "time through the actors over a bare loop, minus 1, at 50 ms units";

    public JsonObject Run(BenchmarkOptions options) => RunAsync(options).GetAwaiter().GetResult();

    private static async Task<JsonObject> RunAsync(BenchmarkOptions options)
    {
        var (rounds, units) = options.Quick ? (5, 60) : (9, 120);
        var figures = new JsonObject();
        foreach (var (workers, name) in new[] { (1, "overhead_ratio"), (Math.Max(1, Environment.ProcessorCount), "overhead_ratio_all_cores") })
        {
            var count = units * (workers == 1 ? 1 : workers);
            var runner = new BurningRunner(UnitMilliseconds);
            var planner = new FakePlanner(4, count / 4, EngineKind.Patching);
            await using var node = await BenchNode.StartAsync(workers, planner, runner);
            await node.RunAsync(FakePlanner.Study("warm"));
            var (ratios, gaps) = (new List<double>(), new List<double>());
            for (var round = 0; round < (workers == 1 ? rounds : Math.Max(3, rounds / 2)); round++)
            {
                var study = FakePlanner.Study($"round{round}");
                var bare = Bare(runner, planner.Plan(study), workers);
                runner.Gaps.Clear();
                var actors = await node.RunAsync(study);
                ratios.Add(actors / bare - 1);
                gaps.AddRange(runner.Gaps.Order().Skip(runner.Gaps.Count / 2).Take(1));
            }
            figures.AddFigure(name, ratios);
            figures.AddFigure(name.Replace("overhead_ratio", "milliseconds_between_units"), gaps);
        }
        return figures;
    }

    private static double Bare(IUnitRunner runner, IStudyPlan plan, int workers)
    {
        var clock = Stopwatch.StartNew();
        long next = -1;
        var threads = Enumerable.Range(0, workers).Select(_ => new Thread(() =>
        {
            var context = new UnitContext("cpu", _ => { }, CancellationToken.None);
            while (Interlocked.Increment(ref next) is var i && i < plan.UnitCount) runner.Run(plan.Study, plan[i], context);
        })).ToArray();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        return clock.Elapsed.TotalSeconds;
    }
}

/// <summary>A fixed amount of arithmetic per unit, chosen once so that an undisturbed unit takes the wanted time.</summary>
internal sealed class BurningRunner : IUnitRunner
{
    [ThreadStatic]
    private static long _ended;

    private readonly long _steps;

    public BurningRunner(double milliseconds)
    {
        Burn(1_000_000);
        var rate = Enumerable.Range(0, 9).Max(_ =>
        {
            var clock = Stopwatch.StartNew();
            Burn(5_000_000);
            return 5_000_000 / clock.Elapsed.TotalMilliseconds;
        });
        _steps = (long)(rate * milliseconds);
    }

    /// <summary>Milliseconds between the end of a unit and the start of the next on the same thread.</summary>
    public List<double> Gaps { get; } = [];

    public UnitOutput Run(Study study, WorkUnit unit, UnitContext context)
    {
        if (_ended != 0)
        {
            var gap = Stopwatch.GetElapsedTime(_ended).TotalMilliseconds;
            lock (Gaps) Gaps.Add(gap);
        }
        var sum = Burn(_steps);
        _ended = Stopwatch.GetTimestamp();
        return new UnitOutput(BitConverter.GetBytes(sum), null);
    }

    public void Dispose()
    {
    }

    private static double Burn(long steps)
    {
        var x = 1.0;
        for (long i = 0; i < steps; i++) x = x * 1.0000001 + 1e-9;
        return x;
    }
}
