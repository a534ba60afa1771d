using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using InterpActors.Compute.Reports;

namespace InterpActors.Compute.Tests.Reports;

public class ReportHtmlTests
{
    private const string Hostile = "</script><script>alert(1)</script><img src=x onerror=alert(2)>&\u2028@@data@@\ud800";

    [Fact]
    public void Nothing_in_the_page_reaches_outside_the_file()
    {
        var html = Html(SampleStudies.Troubled());
        var addresses = Regex.Matches(html, "https?://[^\"'\\s<]*").Select(m => m.Value).Distinct();
        // The name of the SVG namespace is the only one, and nothing is fetched from it.
        Assert.Equal(["http://www.w3.org/2000/svg"], addresses);
        Assert.DoesNotMatch("(?i)<(link|img|iframe|object|embed|base|form)\\b", html);
        Assert.DoesNotMatch("(?i)\\bsrc=|@import|url\\(|fetch\\(|XMLHttpRequest|import\\(", html);
        Assert.Contains("default-src 'none'", html);
    }

    [Fact]
    public void Data_links_are_relative_names_of_the_run_folders_files()
    {
        var hrefs = Regex.Matches(Html(SampleStudies.Patching(2, 2)), "href=\"([^\"]*)\"").Select(m => m.Groups[1].Value);
        Assert.All(hrefs, href => Assert.StartsWith("#", href));
    }

    [Fact]
    public void Text_of_the_user_cannot_leave_its_place()
    {
        var result = SampleStudies.Patching(2, 2);
        var prompt = result.Prompts[0] with { Id = Hostile, Answer = Hostile, CleanPieces = [.. Enumerable.Repeat(Hostile, 15)] };
        var html = Html(result with { Answer = Hostile, Warnings = [Hostile], Prompts = [prompt] });
        Assert.Equal(2, Regex.Count(html, "<script\\b"));
        Assert.Equal(2, Regex.Count(html, "</script>"));
        Assert.DoesNotContain("<img", html);
        var data = Data(html);
        // A lone surrogate is no text and is replaced; all else comes back as it was.
        Assert.Equal(Hostile.Replace('\ud800', '\ufffd'), (string?)data["answer"]);
        Assert.Equal(Hostile.Replace('\ud800', '\ufffd'), (string?)data["prompts"]![0]!["clean"]![3]);
    }

    [Fact]
    public void Scripts_never_build_markup_from_text()
    {
        var script = Html(SampleStudies.Patching(2, 2)).Split("<script>")[1];
        Assert.DoesNotMatch("innerHTML|outerHTML|insertAdjacentHTML|document\\.write|eval\\(|new Function", script);
    }

    [Fact]
    public void A_study_without_cells_shows_its_table_and_curves()
    {
        var html = Html(SampleStudies.Table());
        Assert.Contains("<section id=\"results\"", html);
        Assert.Contains("<section id=\"curves\"", html);
        Assert.DoesNotContain("<section id=\"map\"", html);
        var data = Data(html);
        Assert.Equal(3, (int)data["results"]!["count"]!);
        Assert.Null(data["results"]!["rows"]![2]![2]);
        var line = data["curves"]![0]!["series"]![1]!;
        // A thousand points are thinned, the last one stays.
        Assert.Equal(400, line["x"]!.AsArray().Count);
        Assert.Equal(999, (double)line["x"]![399]!);
        Assert.DoesNotMatch("innerHTML|outerHTML|insertAdjacentHTML|document\\.write|eval\\(|new Function", html.Split("<script>")[1]);
    }

    [Fact]
    public void Ten_thousand_cells_stay_under_two_megabytes()
    {
        var result = SampleStudies.Heads(100, 100, prompts: 64);
        Assert.Equal(10_000, result.Rows.Count);
        Assert.InRange(Encoding.UTF8.GetByteCount(Html(result)), 100_000, 2_000_000);
    }

    [Fact]
    public void Every_cell_is_in_the_binary_block()
    {
        var result = SampleStudies.Patching(4, 4);
        var grid = Data(Html(result))["grid"]!;
        var values = MemoryMarshal.Cast<byte, float>(Convert.FromBase64String((string)grid["values"]!)).ToArray();
        var size = (int)grid["cells"]!;
        Assert.Equal(result.Rows.Count, size);
        Assert.Equal(size * 5, values.Length);
        var z = grid["maps"]!.AsArray().Single(m => (string?)m!["name"] == "z")!;
        var row = result.Rows.Single(r => r is { Layer: 3, Head: 2 });
        Assert.Equal("blocks.*.attn.hook_z", (string?)z["hook"]);
        Assert.Equal((float)row.Score!, values[3 * size + (int)z["offset"]! + 3 * 4 + 2]);
        Assert.Equal((float)row.EffectSe!, values[2 * size + (int)z["offset"]! + 3 * 4 + 2]);
    }

    [Fact]
    public void A_failed_unit_keeps_its_row_in_the_map_and_says_why()
    {
        var map = Data(Html(SampleStudies.Troubled()))["grid"]!["maps"]![0]!;
        Assert.Equal([0, 1, 2, 3, 4, 5], map["layers"]!.AsArray().Select(l => (int)l!));
        Assert.Equal("activation holds NaN at position 4", (string?)map["failed"]!["3"]);
    }

    [Fact]
    public void Values_by_prompt_are_kept_for_the_strongest_cells_when_there_are_too_many()
    {
        var result = SampleStudies.Heads(60, 60, prompts: 64);
        var block = Data(Html(result))["grid"]!["perPrompt"]!;
        Assert.False((bool)block["complete"]!);
        var strongest = CellOrder.Strongest(result.Rows, 1)[0];
        Assert.Equal(strongest.Layer!.Value * 60 + strongest.Head!.Value, (int)block["cells"]![0]![0]!);
    }

    [Fact]
    public void Positions_carry_tokens_and_roles_their_names()
    {
        var byPosition = Data(Html(SampleStudies.Patching(2, 2)))["grid"]!["maps"]![0]!;
        Assert.Equal("position", (string?)byPosition["slotKind"]);
        Assert.Equal(" Mary", (string?)byPosition["slots"]![2]!["token"]);
        var byRole = Data(Html(SampleStudies.Patching(2, 2, byRole: true)))["grid"]!["maps"]![0]!;
        Assert.Equal("role", (string?)byRole["slotKind"]);
        Assert.Equal(["IO", "S1", "S2", "end"], byRole["slots"]!.AsArray().Select(s => (string)s!["role"]!));
    }

    [Fact]
    public void Facts_of_the_method_are_sentences_not_json()
    {
        var manifest = new JsonObject
        {
            ["batch_composition"] = new JsonObject { ["prompt_shards"] = 2, ["cells"] = new JsonArray(15, 16) },
        };
        var facts = Data(Html(SampleStudies.Patching(2, 2) with { Manifest = manifest }))["facts"]!.AsArray();
        Assert.Equal("prompt shards: 2; cells: 15, 16", (string?)facts.Single(f => (string?)f![0] == "Batch composition")![1]);
    }

    internal static string Html(StudyResult result)
    {
        using var stream = new MemoryStream();
        ReportHtml.Write(result, MachineFacts.Read(), new Dictionary<string, string>(), stream);
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static JsonNode Data(string html)
    {
        var block = Regex.Match(html, "<script type=\"application/json\" id=\"report\">(.*?)</script>", RegexOptions.Singleline);
        return JsonNode.Parse(block.Groups[1].Value)!;
    }
}
