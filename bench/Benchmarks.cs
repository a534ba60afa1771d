using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace InterpActors.Bench;

/// <summary>One measured comparison. Prints a readable table and returns every figure by name.</summary>
public interface IBenchmark
{
    string Name { get; }
    string Summary { get; }
    JsonObject Run(BenchmarkOptions options);
}

/// <summary>What the command line asked for.</summary>
/// <param name="Threads">Torch threads.</param>
/// <param name="Quick">Stay under 60 s.</param>
public sealed record BenchmarkOptions(int Threads, bool Quick);

/// <summary>Finds benchmarks by name, runs one, and prints its figures as one JSON line, last; with <c>--json</c> nothing else.</summary>
public static class Benchmarks
{
    private static readonly IBenchmark[] All =
    [
        new Actors.OverheadBenchmark(),
        new Actors.JournalBenchmark(),
        new Actors.RecoveryBenchmark(),
        new Scale.ScaleBenchmark(),
        new LoadBenchmark(),
        new SweepBenchmark(),
        new SaeBenchmark(),
        new SaeSweep(),
    ];

    public static int Run(string[] args)
    {
        if (args is [Scale.MillionUnits.ProcessName, var journal, var until])
            return Scale.MillionUnits.ServeAsync(journal, long.Parse(until, CultureInfo.InvariantCulture)).GetAwaiter().GetResult();
        var name = args.FirstOrDefault(a => !a.StartsWith('-'));
        var benchmark = All.FirstOrDefault(b => b.Name == name);
        if (benchmark is null)
        {
            foreach (var b in All) Console.WriteLine($"{b.Name,-12} {b.Summary}");
            return name is null ? 0 : 2;
        }
        var threads = Array.IndexOf(args, "--threads") is var at and >= 0 && at + 1 < args.Length
            ? int.Parse(args[at + 1], CultureInfo.InvariantCulture)
            : 1;
        var console = Console.Out;
        if (args.Contains("--json")) Console.SetOut(TextWriter.Null);
        var figures = benchmark.Run(new BenchmarkOptions(threads, args.Contains("--quick")));
        console.WriteLine(figures.ToJsonString(new JsonSerializerOptions
        {
            NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
        }));
        return 0;
    }
}
