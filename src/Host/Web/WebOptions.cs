using System.Security.Cryptography.X509Certificates;

namespace InterpActors.Host.Web;

/// <summary>Where the coordinator's HTTP API listens and what it allows.</summary>
/// <param name="Host">A name or address of this machine; a loopback one is reachable from this machine only.</param>
/// <param name="Port">0 for a free one.</param>
/// <param name="Token">What requests must carry as <c>Authorization: Bearer TOKEN</c>; null for none, on loopback only.</param>
/// <param name="DataFolder">Results are written below it for downloads; they can be deleted at any time.</param>
public sealed record WebOptions(string Host, int Port, string? Token, string DataFolder)
{
    /// <summary>Shown to clients, who then speak https; null for http.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>Largest body of a request, in bytes.</summary>
    public long MaximumBody { get; init; } = 1 << 20;

    /// <summary>Submissions being compiled or waiting for it; further ones are told to come again.</summary>
    public int MaximumWaiting { get; init; } = 16;

    /// <summary>Studies that are not over; further ones are told to come again.</summary>
    public int MaximumUnfinished { get; init; } = 256;

    /// <summary>Event streams open at a time.</summary>
    public int MaximumStreams { get; init; } = 64;

    /// <summary>Cells of a study up to which its heat maps are shown while it runs; of larger ones the report has them.</summary>
    public long MaximumCells { get; init; } = 200_000;

    /// <summary>Time between two events of a stream.</summary>
    public TimeSpan Beat { get; init; } = TimeSpan.FromMilliseconds(500);
}
