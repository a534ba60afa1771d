namespace InterpActors.Compute.Text;

/// <summary>What happens to a delimiter when a text is cut at it.</summary>
internal enum SplitBehavior { Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous }

/// <summary>Applies a <see cref="SplitBehavior"/> to the parts of a text, which cover it from left to right.</summary>
internal static class SplitBehaviors
{
    internal static IEnumerable<(int Start, int End)> Apply(SplitBehavior behavior, List<(int Start, int End, bool Delimiter)> parts) =>
        behavior switch
        {
            SplitBehavior.Removed => parts.Where(p => !p.Delimiter).Select(p => (p.Start, p.End)),
            SplitBehavior.Isolated => parts.Select(p => (p.Start, p.End)),
            SplitBehavior.MergedWithPrevious => MergeBackward(parts),
            SplitBehavior.MergedWithNext => MergeForward(parts),
            _ => MergeRuns(parts),
        };

    /// <summary>The first delimiter of a run joins the part before it; further ones stand alone.</summary>
    private static List<(int Start, int End)> MergeBackward(List<(int Start, int End, bool Delimiter)> parts)
    {
        var merged = new List<(int Start, int End)>();
        var afterDelimiter = false;
        foreach (var (start, end, delimiter) in parts)
        {
            if (delimiter && !afterDelimiter && merged.Count > 0) merged[^1] = (merged[^1].Start, end);
            else merged.Add((start, end));
            afterDelimiter = delimiter;
        }
        return merged;
    }

    /// <summary>The last delimiter of a run joins the part after it; the others stand alone.</summary>
    private static List<(int Start, int End)> MergeForward(List<(int Start, int End, bool Delimiter)> parts)
    {
        var merged = new List<(int Start, int End)>();
        var beforeDelimiter = false;
        for (var i = parts.Count - 1; i >= 0; i--)
        {
            var (start, end, delimiter) = parts[i];
            if (delimiter && !beforeDelimiter && merged.Count > 0) merged[^1] = (start, merged[^1].End);
            else merged.Add((start, end));
            beforeDelimiter = delimiter;
        }
        merged.Reverse();
        return merged;
    }

    private static List<(int Start, int End)> MergeRuns(List<(int Start, int End, bool Delimiter)> parts)
    {
        var merged = new List<(int Start, int End)>();
        for (var i = 0; i < parts.Count; i++)
        {
            if (i > 0 && parts[i].Delimiter == parts[i - 1].Delimiter) merged[^1] = (merged[^1].Start, parts[i].End);
            else merged.Add((parts[i].Start, parts[i].End));
        }
        return merged;
    }
}
