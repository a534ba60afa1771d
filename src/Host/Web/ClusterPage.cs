using System.Security.Cryptography;
using System.Text;
using InterpActors.Compute.Reports;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace InterpActors.Host.Web;

/// <summary>The coordinator's page: one file that asks the API of its own origin, and nothing else, for everything it shows.</summary>
internal static class ClusterPage
{
    private static readonly Lazy<(byte[] Page, string Policy)> Made = new(Make);

    public static Task AnswerAsync(HttpContext http)
    {
        var (page, policy) = Made.Value;
        http.Response.ContentType = "text/html; charset=utf-8";
        http.Response.Headers[HeaderNames.ContentSecurityPolicy] = policy;
        http.Response.ContentLength = page.Length;
        return http.Response.Body.WriteAsync(page, http.RequestAborted).AsTask();
    }

    private static (byte[], string) Make()
    {
        // Colours, type, panels and numbers are the report's.
        var script = "\n\"use strict\";\n" + Resource(typeof(ReportHtml), "Report/dom.js") + Resource("cells.js") + Resource("cluster.js");
        var style = "\n" + Resource(typeof(ReportHtml), "Report/page.css") + Resource("cluster.css");
        var page = Resource("cluster.html").Replace("/*style*/", style, StringComparison.Ordinal)
            .Replace("/*script*/", script, StringComparison.Ordinal);
        // No script but this one runs, whatever a study is called.
        var policy = $"default-src 'none'; style-src {Source(style)}; script-src {Source(script)}; connect-src 'self'; "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        return (Encoding.UTF8.GetBytes(page), policy);
    }

    private static string Source(string content) => $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(content)))}'";

    private static string Resource(string name) => Resource(typeof(ClusterPage), $"Page/{name}");

    private static string Resource(Type beside, string name)
    {
        using var stream = beside.Assembly.GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
