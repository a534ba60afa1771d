namespace InterpActors.Actors.Work;

/// <summary>How long a study's units take, by the last of them.</summary>
internal sealed class UnitPace
{
    private const int Kept = 32;

    private readonly double[] _last = new double[Kept];
    private int _count;
    private double? _median;

    public void Add(double seconds)
    {
        _last[_count++ % Kept] = seconds;
        _median = null;
    }

    /// <summary>The median in seconds; null before the first unit is done.</summary>
    public double? Typical
    {
        get
        {
            if (_count == 0) return null;
            return _median ??= Median();
        }
    }

    private double Median()
    {
        var sorted = _last[..Math.Min(_count, Kept)];
        Array.Sort(sorted);
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
