using InterpActors.Messages.Studies;

namespace InterpActors.Host.Remote;

/// <summary>
/// The coordinators of a cluster, each as good as the other: a request goes to the one that answered last, and to the next where that one
/// cannot be reached. A request that was sent is not sent again.
/// </summary>
internal sealed class Coordinators : DelegatingHandler
{
    private readonly IReadOnlyList<Uri> _addresses;
    private int _chosen;

    /// <param name="urls">One address, or several with commas between them.</param>
    /// <exception cref="StudyException">One of them is none.</exception>
    public Coordinators(string urls) => _addresses = [.. urls.Split(',', StringSplitOptions.TrimEntries).Select(Parse)];

    public IReadOnlyList<Uri> Addresses => _addresses;

    /// <summary>The next request goes to another one.</summary>
    public void Change() => Volatile.Write(ref _chosen, (Volatile.Read(ref _chosen) + 1) % _addresses.Count);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var path = request.RequestUri!.PathAndQuery;
        for (var tries = 1; ; tries++)
        {
            var address = _addresses[Volatile.Read(ref _chosen)];
            request.RequestUri = new Uri(address, path);
            try
            {
                return await base.SendAsync(request, cancellationToken);
            }
            catch (HttpRequestException e) when (tries < _addresses.Count
                && e.HttpRequestError is (HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError))
            {
                Change();
            }
        }
    }

    private static Uri Parse(string url) =>
        Uri.TryCreate(url.TrimEnd('/') + "/", UriKind.Absolute, out var address) && address.Scheme is ("http" or "https")
            ? address
            : throw new StudyException($"'{url}' is not the address of a coordinator", "--cluster",
                "write e.g. http://127.0.0.1:8558, several with commas between them");
}
