using System.Net;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

namespace InterpActors.Compute.Reports;

/// <summary>
/// <c>report.html</c>: one file that needs nothing else. The page's own script draws it from JSON embedded in it. Every text of the
/// user's reaches the page as JSON with <c>&lt;</c>, <c>&gt;</c> and <c>&amp;</c> escaped, or HTML-encoded, and a content security
/// policy forbids all requests.
/// </summary>
public static class ReportHtml
{
    private static readonly string[] Styles = ["page.css", "figures.css", "text.css"];

    // Each may use what those before it declare.
    private static readonly string[] Scripts =
        ["dom.js", "data.js", "answer.js", "maps.js", "detail.js", "profile.js", "prompts.js", "method.js", "page.js"];

    private static readonly JsonSerializerOptions Compact = new() { Encoder = JavaScriptEncoder.Create(UnicodeRanges.All) };

    public static void Write(StudyResult result, MachineFacts machine, IReadOnlyDictionary<string, string> artifacts, Stream stream)
    {
        var parts = new Dictionary<string, Func<string>>
        {
            ["title"] = () => WebUtility.HtmlEncode(result.Plan.Study.Name),
            ["answer"] = () => WebUtility.HtmlEncode(result.Answer),
            ["style"] = () => string.Join('\n', Styles.Select(Resource)),
            ["data"] = () => ReportData.Build(result, machine, artifacts).ToJsonString(Compact),
            ["script"] = () => string.Join('\n', Scripts.Select(Resource)),
        };
        using var writer = new StreamWriter(stream, new UTF8Encoding(false), 1 << 16, leaveOpen: true);
        // The template is cut at its own marks once; what is put in is never searched for marks.
        foreach (var piece in Resource("report.html").Split("@@"))
            writer.Write(parts.TryGetValue(piece, out var part) ? part() : piece);
    }

    private static string Resource(string name)
    {
        using var stream = typeof(ReportHtml).Assembly.GetManifestResourceStream($"Report/{name}")
            ?? throw new InvalidOperationException($"the template {name} is not in the assembly");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
