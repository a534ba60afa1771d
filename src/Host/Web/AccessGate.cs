using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace InterpActors.Host.Web;

/// <summary>
/// Lets a request pass or not. With a token, only requests that carry it. Without one the API listens on loopback only, and what a web page
/// from elsewhere makes a browser on this machine send is refused: requests by another host name, and posts from another origin.
/// </summary>
internal sealed class AccessGate(string? token)
{
    private readonly byte[]? _expected = token is null ? null : SHA256.HashData(Encoding.UTF8.GetBytes(token));

    /// <returns>Null where the request may pass, else the status and why not.</returns>
    public (int Status, string Line)? Refuse(HttpRequest request)
    {
        var origin = request.Headers.Origin.ToString();
        if (origin.Length > 0 && !HttpMethods.IsGet(request.Method)
            && !origin.Equals($"{request.Scheme}://{request.Host}", StringComparison.OrdinalIgnoreCase))
            return (StatusCodes.Status403Forbidden, "requests from pages of another origin are refused");
        if (_expected is null)
        {
            return IsLoopback(request.Host.Host) ? null
                : (StatusCodes.Status403Forbidden,
                    $"'{request.Host.Host}' is not a loopback name; a coordinator without a token answers this machine only");
        }
        var given = request.Headers.Authorization.ToString();
        const string scheme = "Bearer ";
        if (given.Length == 0) return (StatusCodes.Status401Unauthorized, "a token is needed; give it in INTERP_TOKEN");
        // Hashes have one length, so that the time of the comparison tells nothing about the token's.
        var same = given.StartsWith(scheme, StringComparison.OrdinalIgnoreCase)
            && CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(given[scheme.Length..].Trim())), _expected);
        return same ? null : (StatusCodes.Status401Unauthorized, "the token is wrong; give the coordinator's in INTERP_TOKEN");
    }

    public static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    /// <summary>Headers that every answer has.</summary>
    public static void Harden(HttpResponse response)
    {
        response.Headers[HeaderNames.XContentTypeOptions] = "nosniff";
        response.Headers["Referrer-Policy"] = "no-referrer";
        response.Headers[HeaderNames.CacheControl] = "no-store";
        response.Headers[HeaderNames.ContentSecurityPolicy] = "default-src 'none'; frame-ancestors 'none'";
    }
}
