namespace InterpActors.Compute.Studies;

/// <summary>What <c>interp methods KIND</c> prints.</summary>
/// <param name="Summary">One line.</param>
/// <param name="Cost">In forward passes.</param>
/// <param name="Source">Where the method was published.</param>
public sealed record StudyKindHelp(string Summary, IReadOnlyList<KeyHelp> Keys, string Formula, string Cost, string Source)
{
    /// <summary>The help as lines of at most about 110 columns.</summary>
    public IEnumerable<string> Lines(string kind)
    {
        yield return $"{kind}: {Summary}";
        yield return "";
        yield return $"method {{ kind = {kind} … }} takes";
        var width = Keys.Max(k => k.Key.Length);
        foreach (var key in Keys)
            yield return $"  {key.Key.PadRight(width)}  {key.Meaning}" + (key.Default is null ? "" : $" (default {key.Default})");
        yield return "";
        yield return $"formula  {Formula}";
        yield return $"cost     {Cost}";
        yield return $"source   {Source}";
    }
}

/// <summary>One key of a method section.</summary>
/// <param name="Default">As written in a study file; null where there is none.</param>
public sealed record KeyHelp(string Key, string? Default, string Meaning);
