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

/// <summary>Finds benchmarks by name, runs one, and prints its figures as one JSON line, last.</summary>
public static class Benchmarks
{
    private static readonly IBenchmark[] All =
    [
        new Actors.OverheadBenchmark(),
        new Actors.JournalBenchmark(),
        new Actors.RecoveryBenchmark(),
        new LoadBenchmark(),
        new SweepBenchmark(),
    ];

    public static int Run(string[] args)
    {
        var name = args.FirstOrDefault(a => !a.StartsWith('-'));
        var benchmark = All.FirstOrDefault(b => b.Name == name);
        if (benchmark is null)
        {
            foreach (var b in All) Console.WriteLine($"{b.Name,-12} {b.Summary}");
            return name is null ? 0 : 2;
        }
        var threads = Array.IndexOf(args, "--threads") is var at and >= 0 && at + 1 < args.Length ? int.Parse(args[at + 1], System.Globalization.CultureInfo.InvariantCulture) : 1;
        var figures = benchmark.Run(new BenchmarkOptions(threads, args.Contains("--quick")));
        Console.WriteLine(figures.ToJsonString(new JsonSerializerOptions { NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals }));
        return 0;
    }
}
