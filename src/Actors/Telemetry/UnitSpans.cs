using System.Diagnostics;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Telemetry;

/// <summary>The spans of one study's units that are in somebody's hands; none where nothing is traced.</summary>
internal sealed class UnitSpans
{
    private readonly Dictionary<long, Activity> _open = [];

    /// <summary>Begins a unit's span.</summary>
    /// <returns>Its name for other processes (W3C <c>traceparent</c>).</returns>
    public string? Begin(WorkUnit unit, int attempt, string worker)
    {
        if (Traces.Unit(unit, attempt, worker) is not { } span) return null;
        End(unit.Ordinal, "handed out again");
        _open[unit.Ordinal] = span;
        return span.Id;
    }

    public Activity? Span(long ordinal) => _open.GetValueOrDefault(ordinal);

    /// <summary>The span's name for other processes; null where there is none.</summary>
    public string? Of(long ordinal) => Span(ordinal)?.Id;

    /// <param name="problem">Why the unit has no result; null where it has one.</param>
    public void End(long ordinal, string? problem)
    {
        if (!_open.Remove(ordinal, out var span)) return;
        if (problem is not null) span.SetStatus(ActivityStatusCode.Error, problem);
        span.Dispose();
    }

    public void Clear()
    {
        foreach (var ordinal in _open.Keys.ToArray()) End(ordinal, "the broker began anew");
    }
}
