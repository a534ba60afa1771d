namespace InterpActors.Compute.Statistics;

/// <summary>
/// Would other prompts tell the same story? The correlation over cells between the mean effects of the even and of the odd prompts,
/// stepped up to the full number of prompts by the Spearman–Brown formula 2r / (1 + r) where r is positive.
/// </summary>
public sealed class SplitHalf
{
    private long _cells;
    private double _meanA, _meanB, _varA, _varB, _cov;

    /// <summary>Adds one cell's per-prompt effects (at least two prompts).</summary>
    public void Add(ReadOnlySpan<double> effects)
    {
        if (effects.Length < 2) return;
        double a = 0, b = 0;
        for (var i = 0; i < effects.Length; i++)
            if (i % 2 == 0) a += effects[i];
            else b += effects[i];
        a /= (effects.Length + 1) / 2;
        b /= effects.Length / 2;
        _cells++;
        var da = a - _meanA;
        var db = b - _meanB;
        _meanA += da / _cells;
        _meanB += db / _cells;
        _varA += da * (a - _meanA);
        _varB += db * (b - _meanB);
        _cov += da * (b - _meanB);
    }

    /// <summary>The reliability in [−1, 1]; null where fewer than three cells or no spread leave nothing to correlate.</summary>
    public double? Reliability()
    {
        if (_cells < 3 || _varA <= 0 || _varB <= 0) return null;
        var r = _cov / Math.Sqrt(_varA * _varB);
        return r <= 0 ? r : Math.Min(1, 2 * r / (1 + r));
    }
}
