using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Telemetry;

/// <summary>
/// The spans of studies and units, of the source <see cref="Name"/>. A study's trace has an id that follows from the study's, so that the
/// spans of all its processes, before and after whatever was killed, stand in one trace. Without a listener nothing is made.
/// </summary>
public static class Traces
{
    public const string Name = "InterpActors";

    private static readonly ActivitySource Source = new(Name);

    /// <summary>The trace of a study.</summary>
    public static ActivityContext Of(StudyId study)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(study.Value)).AsSpan();
        return new ActivityContext(ActivityTraceId.CreateFromBytes(hash[..16]), ActivitySpanId.CreateFromBytes(hash[16..24]),
            ActivityTraceFlags.Recorded, isRemote: true);
    }

    /// <summary>A study from its first process to its end.</summary>
    public static void Study(StudyId study, RunHistory history, DateTimeOffset now)
    {
        if (history.Processes.Count == 0) return;
        using var span = Quietly(() => Source.StartActivity(
            $"study {study}", ActivityKind.Internal, Of(study), startTime: history.Processes.Min(p => p.Started)));
        if (span is null) return;
        span.SetTag("interp.study", study.Value);
        span.SetTag("interp.state", history.State.ToString());
        span.SetTag("interp.units", history.Committed);
        span.SetEndTime(now.UtcDateTime);
        if (history.Failures.Count > 0) span.SetStatus(ActivityStatusCode.Error, $"{history.Failures.Count} units given up");
    }

    /// <summary>A unit from its assignment to its entry in the journal; the caller ends it.</summary>
    public static Activity? Unit(WorkUnit unit, int attempt, string worker)
    {
        var span = Quietly(() => Source.StartActivity($"unit {unit.Label}", ActivityKind.Producer, Of(unit.Study)));
        span?.SetTag("interp.study", unit.Study.Value);
        span?.SetTag("interp.ordinal", unit.Ordinal);
        span?.SetTag("interp.attempt", attempt);
        span?.SetTag("interp.worker", worker);
        return span;
    }

    /// <summary>A unit's way into the journal; the caller ends it.</summary>
    public static Activity? Persist(Activity? unit) =>
        unit is null ? null : Quietly(() => Source.StartActivity("persist", ActivityKind.Internal, unit.Context));

    /// <summary>A unit's computation by this process; the caller ends it on the same thread.</summary>
    /// <param name="trace">What the assignment said about the unit's span; null for nothing.</param>
    public static Activity? Compute(WorkUnit unit, int attempt, string device, string? trace)
    {
        if (!ActivityContext.TryParse(trace, null, isRemote: true, out var parent)) parent = Of(unit.Study);
        var span = Source.StartActivity("compute", ActivityKind.Consumer, parent);
        span?.SetTag("interp.study", unit.Study.Value);
        span?.SetTag("interp.ordinal", unit.Ordinal);
        span?.SetTag("interp.attempt", attempt);
        span?.SetTag("interp.device", device);
        return span;
    }

    /// <summary>A span that outlives the handler that began it must not be taken for the parent of what that handler does next.</summary>
    private static Activity? Quietly(Func<Activity?> start)
    {
        if (!Source.HasListeners()) return null;
        var current = Activity.Current;
        var span = start();
        Activity.Current = current;
        return span;
    }
}
