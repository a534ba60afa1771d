using System.Globalization;

namespace InterpActors.Cluster.Tests;

/// <summary>A test that cuts networks: it needs what makes them.</summary>
internal sealed class ChaosFactAttribute : FactAttribute
{
    public ChaosFactAttribute()
    {
        if (!Split.Possible) Skip = "needs root and ip(8), for network namespaces";
    }

    /// <summary>How long the trials go on, where <c>INTERP_CHAOS</c> says so in seconds; else each is as short as it can be.</summary>
    public static TimeSpan Length => TimeSpan.FromSeconds(
        double.TryParse(
            Environment.GetEnvironmentVariable("INTERP_CHAOS"), NumberStyles.Float, CultureInfo.InvariantCulture, out var s) ? s : 0);
}
