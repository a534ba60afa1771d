using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Methods.SaeTraining;

/// <summary>A value of a swept key.</summary>
/// <param name="Key">With dots for a key inside an object.</param>
internal sealed record SweepValue(string Key, StudyScalar Value)
{
    /// <summary>Key and value as part of a folder's name: <c>k16</c>.</summary>
    public string Label => Key.Split('.')[^1]
        + string.Concat(Value.ToString().Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' ? c : '_'));
}

/// <summary>A key of a <c>sweep</c> with its values.</summary>
internal sealed record SweepAxis(string Key, IReadOnlyList<SweepValue> Values)
{
    /// <param name="path">The key from the root of what is swept.</param>
    /// <exception cref="StudyException">It has no values.</exception>
    public static SweepAxis Read(StudySection section, string key, string path)
    {
        var values = section.Scalars(key);
        return values is { Count: > 0 } ? new SweepAxis(path, [.. values.Select(v => new SweepValue(path, v))])
            : throw section.Wrong(key, "has no values");
    }

    /// <summary>Every combination, the first key varying slowest; one without any value where there is no axis.</summary>
    public static IEnumerable<IReadOnlyList<SweepValue>> Points(IReadOnlyList<SweepAxis> axes)
    {
        IEnumerable<IReadOnlyList<SweepValue>> points = [[]];
        foreach (var axis in axes) points = points.SelectMany(p => axis.Values.Select(v => (IReadOnlyList<SweepValue>)[.. p, v]));
        return points;
    }
}
