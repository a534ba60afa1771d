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

    // Each script may use what those before it declare.
    private static readonly Page OfCells = new(
        ["dom.js", "data.js", "cells.js", "answer.js", "baselines.js", "maps.js", "detail.js", "profile.js", "prompts.js", "method.js",
            "theme.js", "page.js"],
        ["map", "profile", "prompts"]);

    private static readonly Page OfTable = new(
        ["dom.js", "data.js", "chart.js", "tables.js", "answer.js", "method.js", "theme.js", "tablepage.js"], ["results", "curves"]);

    private static readonly JsonSerializerOptions Compact = new() { Encoder = JavaScriptEncoder.Create(UnicodeRanges.All) };

    public static void Write(StudyResult result, MachineFacts machine, IReadOnlyDictionary<string, string> artifacts, Stream stream)
    {
        var page = result.Results is null ? OfCells : OfTable;
        var parts = new Dictionary<string, Func<string>>
        {
            ["title"] = () => WebUtility.HtmlEncode(result.Plan.Study.Name),
            ["answer"] = () => WebUtility.HtmlEncode(result.Answer),
            ["style"] = () => string.Join('\n', Styles.Select(Resource)),
            ["data"] = () => ReportData.Build(result, machine, artifacts).ToJsonString(Compact),
            ["nav"] = page.Navigation,
            ["sections"] = page.Sections,
            ["script"] = () => string.Join('\n', page.Scripts.Select(Resource)),
        };
        Fill(Resource("report.html"), parts, stream);
    }

    /// <summary>Writes a template with its marks (<c>@@name@@</c>) replaced.</summary>
    internal static void Fill(string template, IReadOnlyDictionary<string, Func<string>> parts, Stream stream)
    {
        using var writer = new StreamWriter(stream, new UTF8Encoding(false), 1 << 16, leaveOpen: true);
        // The template is cut at its own marks once; what is put in is never searched for marks.
        foreach (var piece in template.Split("@@"))
            writer.Write(parts.TryGetValue(piece, out var part) ? part() : piece);
    }

    /// <summary>A file of the template.</summary>
    internal static string Resource(string name)
    {
        using var stream = typeof(ReportHtml).Assembly.GetManifestResourceStream($"Report/{name}")
            ?? throw new InvalidOperationException($"the template {name} is not in the assembly");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    /// <summary>What a kind of page is put together from.</summary>
    /// <param name="Middle">Its sections between the answer and the method.</param>
    private sealed record Page(string[] Scripts, string[] Middle)
    {
        private IEnumerable<string> Tail => [.. Middle, "method", "data"];

        public string Navigation() =>
            string.Concat(Tail.Prepend("answer").Select(id => $"<a href=\"#{id}\">{char.ToUpperInvariant(id[0])}{id[1..]}</a>"));

        public string Sections() =>
            string.Join('\n', Tail.Select(id => $"<section id=\"{id}\" aria-labelledby=\"{id}-title\"></section>"));
    }
}
