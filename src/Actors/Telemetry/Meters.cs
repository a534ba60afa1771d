using System.Diagnostics;
using System.Diagnostics.Metrics;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Telemetry;

/// <summary>
/// What the actors of this process count and measure, as the meter <see cref="Name"/>. Whoever wants the figures listens to it; without a
/// listener a measurement costs a few nanoseconds.
/// </summary>
public static class Meters
{
    public const string Name = "InterpActors";

    private static readonly Meter Meter = new(Name);

    private static readonly Counter<long> Assigned = Meter.CreateCounter<long>(
        "interp.unit.attempts", null, "Units handed out to workers, again ones too");

    private static readonly Counter<long> Failures = Meter.CreateCounter<long>(
        "interp.unit.failures", null, "Tries at a unit that failed, by kind");

    private static readonly Counter<double> Flops = Meter.CreateCounter<double>(
        "interp.flops", null, "Floating-point operations of the committed units, as planned");

    private static readonly Histogram<double> JournalWrites = Meter.CreateHistogram<double>(
        "interp.journal.write", "s", "From a unit's result to its entry in the journal");

    private static readonly Histogram<double> Computations = Meter.CreateHistogram<double>(
        "interp.unit.compute", "s", "Time that engines of this process took for a unit, by device");

    private static readonly Counter<long> Shards = Meter.CreateCounter<long>(
        "interp.harvest.shards", null, "Shards of activations that this process harvested, or had from other nodes, by way");

    /// <summary>A worker was given a unit.</summary>
    public static void Assign() => Assigned.Add(1);

    /// <summary>A try at a unit failed.</summary>
    public static void Fail(UnitFailureKind kind) =>
        Failures.Add(1, new KeyValuePair<string, object?>("kind", kind.ToString().ToLowerInvariant()));

    /// <summary>A unit's result is in the journal.</summary>
    /// <param name="since">A time stamp of <see cref="Stopwatch"/>: when it was given to the journal.</param>
    public static void Commit(IStudyPlan? plan, long ordinal, long since)
    {
        JournalWrites.Record(Stopwatch.GetElapsedTime(since).TotalSeconds);
        if (Flops.Enabled && plan is not null) Flops.Add(FlopsOf(plan, ordinal));
    }

    /// <summary>An engine computed a unit.</summary>
    public static void Compute(string device, long since) =>
        Computations.Record(Stopwatch.GetElapsedTime(since).TotalSeconds, new KeyValuePair<string, object?>("device", device));

    /// <summary>A file that several nodes need is here.</summary>
    /// <param name="isMade">False where another node had made it.</param>
    public static void Bring(bool isMade) =>
        Shards.Add(1, new KeyValuePair<string, object?>("way", isMade ? "harvested" : "fetched"));

    /// <summary>A unit's share of the plan's floating-point operations: by its cells, where the plan has any.</summary>
    public static double FlopsOf(IStudyPlan plan, long ordinal)
    {
        if (!double.IsFinite(plan.Estimate.Flops)) return 0;
        return plan.CellCount > 0 ? plan.Estimate.Flops * plan[ordinal].Cells / plan.CellCount
            : plan.Estimate.Flops / Math.Max(1, plan.UnitCount);
    }
}
