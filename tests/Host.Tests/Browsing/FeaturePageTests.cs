using System.Diagnostics;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using InterpActors.Host.Tests.Runs;

namespace InterpActors.Host.Tests.Browsing;

/// <summary>The page about a dictionary's latents in a real browser.</summary>
public sealed class FeaturePageTests : IDisposable
{
    private const int Many = 50_000;

    private readonly string _root = Directory.CreateTempSubdirectory("feature-page-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [BrowserFact]
    public async Task Shows_densities_curves_contexts_and_logits_and_opens_at_once_with_fifty_thousand_latents()
    {
        var studies = new TrainingStudies(_root, steps: 100, rows: 256);
        var (run, evaluated) = (At("run"), At("evaluated"));
        Assert.Equal(0, (await Interp.Start("run", studies.Training, "--out", run, "--quiet").Finish()).Code);
        Assert.Equal(0, (await Interp.Start("run", studies.Evaluation(run), "--out", evaluated, "--quiet").Finish()).Code);
        var file = Path.Combine(evaluated, "features-sae.html");
        await using var browser = await Browser.StartAsync();
        await using var page = await browser.PageAsync();
        await page.SizeAsync(1280, 900);
        await page.GoAsync(new Uri(file).AbsoluteUri);

        Assert.Equal(20, (int)(await page.EvaluateAsync("document.querySelectorAll('#histogram rect').length"))!);
        var charts = (await page.EvaluateAsync(
                "[...document.querySelectorAll('#curves figure')].map(f => f.innerText + f.querySelectorAll('path').length)"))!
            .AsArray().Select(c => (string)c!).ToList();
        Assert.Equal(4, charts.Count);
        Assert.Contains("mse loss", charts[0], StringComparison.Ordinal);
        Assert.All(new[] { "loss", "l0", "dead", "explained variance" }.Zip(charts, (title, chart) => (Title: title, Chart: chart)),
            c => Assert.StartsWith(c.Title, c.Chart, StringComparison.Ordinal));
        Assert.True((bool)(await page.EvaluateAsync("document.querySelector('#training').checkVisibility()"))!);
        await page.ClickAsync("#rows .row:nth-child(3)");
        Assert.StartsWith("Latent 2", await page.TextAsync("#latent"), StringComparison.Ordinal);
        Assert.Equal(2, (int)(await page.EvaluateAsync("document.querySelectorAll('.logits table').length"))!);
        foreach (var width in new[] { 1280, 400 })
        {
            await page.SizeAsync(width, 900);
            await Task.Delay(200);
            var wide = (int)(await page.EvaluateAsync("document.documentElement.scrollWidth"))!;
            Assert.True(wide <= width, $"the page is {wide} px wide at {width} px");
        }

        await File.WriteAllTextAsync(At("large.html"), Enlarged(await File.ReadAllTextAsync(file)));
        var clock = Stopwatch.StartNew();
        await page.GoAsync(new Uri(At("large.html")).AbsoluteUri);
        await page.UntilAsync("document.querySelector('#found').innerText.includes('50,000') && document.querySelector('#curves path')");
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 10);
        clock.Restart();
        await page.EvaluateAsync("document.querySelector('#controls input').focus()");
        await page.TypeAsync("49999");
        await page.UntilAsync("document.querySelector('#found').innerText.startsWith('1 of')");
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 5);
        Assert.Empty(page.Complaints);
        Assert.All(page.Requests, r => Assert.StartsWith("file:", r, StringComparison.Ordinal));
    }

    /// <summary>The page with its latents repeated up to fifty thousand.</summary>
    private static string Enlarged(string html)
    {
        var match = Regex.Match(html, "(?<=id=\"report\">).*?(?=</script>)", RegexOptions.Singleline);
        var data = JsonNode.Parse(match.Value)!.AsObject();
        var latents = (int)data["latents"]!;
        var starts = Numbers<int>("starts");
        string[] perLatent = ["densities", "raised", "raisedBy", "lowered", "loweredBy"], perContext = ["contexts", "strengths", "values"];
        var copies = (Many + latents - 1) / latents;
        foreach (var name in perLatent)
        {
            var bytes = Convert.FromBase64String((string)data[name]!);
            data[name] = Repeated(bytes, (int)((long)bytes.Length * Many / latents));
        }
        foreach (var name in perContext)
        {
            var bytes = Convert.FromBase64String((string)data[name]!);
            data[name] = Repeated(bytes, bytes.Length * copies);
        }
        var all = Enumerable.Range(0, Many + 1).Select(i => starts[i % latents] + (i / latents * starts[^1])).ToArray();
        data["starts"] = Convert.ToBase64String(System.Runtime.InteropServices.MemoryMarshal.AsBytes<int>(all));
        data["latents"] = Many;
        return string.Concat(html.AsSpan(0, match.Index), data.ToJsonString(), html.AsSpan(match.Index + match.Length));

        T[] Numbers<T>(string name) where T : unmanaged =>
            System.Runtime.InteropServices.MemoryMarshal.Cast<byte, T>(Convert.FromBase64String((string)data[name]!)).ToArray();
    }

    private static string Repeated(byte[] bytes, int length)
    {
        var all = new byte[length];
        for (var i = 0; i < length; i++) all[i] = bytes[i % bytes.Length];
        return Convert.ToBase64String(all);
    }

    private string At(string name) => Path.Combine(_root, name);
}
