using System.Globalization;

namespace InterpActors.Cluster.Tests;

/// <summary>A test that takes minutes: it runs where <c>INTERP_CHAOS</c> says for how many seconds.</summary>
internal sealed class ChaosFactAttribute : FactAttribute
{
    public ChaosFactAttribute()
    {
        if (Length <= TimeSpan.Zero) Skip = "takes minutes; INTERP_CHAOS=SECONDS runs it for so long";
        else if (Networks && !Split.Possible) Skip = "needs root and ip(8), for network namespaces";
    }

    public static TimeSpan Length => TimeSpan.FromSeconds(
        double.TryParse(
            Environment.GetEnvironmentVariable("INTERP_CHAOS"), NumberStyles.Float, CultureInfo.InvariantCulture, out var s) ? s : 0);

    /// <summary>Whether the test makes network namespaces.</summary>
    public bool Networks { get; init; }
}
