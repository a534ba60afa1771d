using InterpActors.Messages.Cluster;
using InterpActors.Messages.Work;

namespace InterpActors.Actors.Studies;

/// <summary>
/// Which unit of one layer comes next, without actors. A unit is settled (in the bitmaps), open (leased or waiting for its next try) or
/// not yet touched (at or after the cursor); memory is two bits a unit plus the open ones.
/// </summary>
public sealed class LayerQueue
{
    private readonly record struct Open(bool Leased, DateTimeOffset Due, int Failures);

    private readonly LayerUnits _units;
    private readonly UnitBitmap _settled;
    private readonly Dictionary<long, Open> _open = [];
    private int _waiting;
    private long _cursor;

    /// <param name="isSettled">What the journal says at the start.</param>
    /// <param name="failures">How often open units failed before.</param>
    public LayerQueue(LayerUnits units, Func<long, bool> isSettled, IEnumerable<UnitAttempts> failures)
    {
        _units = units;
        _settled = new UnitBitmap(units.Count);
        for (long i = 0; i < units.Count; i++)
            if (isSettled(units.First + i)) _settled.Add(i);
        foreach (var unit in failures)
            if (Owns(unit.Ordinal) && !isSettled(unit.Ordinal)) Put(unit.Ordinal, new Open(false, DateTimeOffset.MinValue, unit.Failures));
    }

    public bool Owns(long ordinal) => ordinal >= _units.First && ordinal < _units.First + _units.Count;

    public bool IsDone => _settled.Count == _units.Count;

    /// <summary>Leases the next unit: one whose retry is due, else the next untouched one. Null where there is none now.</summary>
    public (long Ordinal, int Attempt)? Take(DateTimeOffset now)
    {
        if (_waiting > 0)
        {
            foreach (var (ordinal, open) in _open)
            {
                if (open.Leased || open.Due > now) continue;
                Put(ordinal, open with { Leased = true });
                return (ordinal, open.Failures + 1);
            }
        }
        while (_settled.NextAbsent(_cursor) is { } next)
        {
            _cursor = next + 1;
            if (_open.ContainsKey(_units.First + next)) continue;
            Put(_units.First + next, new Open(true, default, 0));
            return (_units.First + next, 1);
        }
        _cursor = _units.Count;
        return null;
    }

    /// <summary>A worker already holds this unit (it says so after a coordinator's restart).</summary>
    public void Claim(long ordinal)
    {
        if (_settled[ordinal - _units.First]) return;
        Put(ordinal, _open.TryGetValue(ordinal, out var open) ? open with { Leased = true } : new Open(true, default, 0));
    }

    /// <summary>A lease ended without a result; the unit may go out again at <paramref name="due"/>.</summary>
    public void PutBack(long ordinal, DateTimeOffset due, int failures)
    {
        if (!_settled[ordinal - _units.First]) Put(ordinal, new Open(false, due, failures));
    }

    /// <summary>Every lease ended without a result.</summary>
    public void PutBackAll()
    {
        foreach (var (ordinal, open) in _open)
            if (open.Leased) Put(ordinal, open with { Leased = false, Due = DateTimeOffset.MinValue });
    }

    /// <summary>The unit has a result or was given up.</summary>
    public void Settle(long ordinal)
    {
        _settled.Add(ordinal - _units.First);
        if (_open.Remove(ordinal, out var open) && !open.Leased) _waiting--;
    }

    /// <summary>When the earliest waiting unit is due; null where none waits.</summary>
    public DateTimeOffset? NextDue() => _waiting == 0 ? null : _open.Values.Where(o => !o.Leased).Min(o => o.Due);

    private void Put(long ordinal, Open open)
    {
        if (_open.TryGetValue(ordinal, out var before) && !before.Leased) _waiting--;
        if (!open.Leased) _waiting++;
        _open[ordinal] = open;
    }
}
