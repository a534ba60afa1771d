namespace InterpActors.Compute.Text.Patterns;

/// <summary>
/// A set of Unicode code points (0 … 0x10FFFF), kept as sorted, disjoint, inclusive ranges. Membership works on whole code points, so
/// a letter outside the basic plane is one letter, not two surrogates.
/// </summary>
internal sealed class CodePointSet
{
    internal const int Last = 0x10FFFF;

    private readonly int[] _starts;
    private readonly int[] _ends;
    private readonly ulong _low, _high;

    private CodePointSet(List<(int Start, int End)> ranges)
    {
        _starts = new int[ranges.Count];
        _ends = new int[ranges.Count];
        for (var i = 0; i < ranges.Count; i++) (_starts[i], _ends[i]) = ranges[i];
        for (var c = 0; c < 64; c++) if (Search(c)) _low |= 1UL << c;
        for (var c = 64; c < 128; c++) if (Search(c)) _high |= 1UL << (c - 64);
    }

    internal static CodePointSet Empty { get; } = new([]);

    internal static CodePointSet All { get; } = new([(0, Last)]);

    internal static CodePointSet Of(int codePoint) => new([(codePoint, codePoint)]);

    internal static CodePointSet Range(int start, int end) => new([(start, end)]);

    /// <summary>The union of ranges in any order, overlapping or not.</summary>
    internal static CodePointSet Union(IEnumerable<(int Start, int End)> ranges)
    {
        var merged = new List<(int Start, int End)>();
        foreach (var range in ranges.OrderBy(r => r.Start))
        {
            if (merged.Count > 0 && range.Start <= merged[^1].End + 1)
                merged[^1] = (merged[^1].Start, Math.Max(merged[^1].End, range.End));
            else
                merged.Add(range);
        }
        return new CodePointSet(merged);
    }

    internal IEnumerable<(int Start, int End)> Ranges => _starts.Zip(_ends);

    internal CodePointSet Or(CodePointSet other) => Union(Ranges.Concat(other.Ranges));

    internal CodePointSet Not()
    {
        var gaps = new List<(int, int)>();
        var next = 0;
        for (var i = 0; i < _starts.Length; i++)
        {
            if (_starts[i] > next) gaps.Add((next, _starts[i] - 1));
            next = _ends[i] + 1;
        }
        if (next <= Last) gaps.Add((next, Last));
        return new CodePointSet(gaps);
    }

    internal CodePointSet And(CodePointSet other) => Not().Or(other.Not()).Not();

    internal bool Contains(int codePoint) => codePoint < 128
        ? ((codePoint < 64 ? _low >> codePoint : _high >> (codePoint - 64)) & 1) != 0
        : Search(codePoint);

    private bool Search(int codePoint)
    {
        var at = Array.BinarySearch(_starts, codePoint);
        if (at >= 0) return true;
        at = ~at - 1;
        return at >= 0 && codePoint <= _ends[at];
    }
}
