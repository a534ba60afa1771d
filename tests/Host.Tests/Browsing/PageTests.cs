using InterpActors.Compute.Studies;
using InterpActors.Host.Hosting;
using InterpActors.Host.Web;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;

namespace InterpActors.Host.Tests.Browsing;

/// <summary>The coordinator's page in a real browser, before a real coordinator that computes a study.</summary>
public sealed class PageTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("page-").FullName;
    private readonly StudyEngine _engine = new();

    public void Dispose()
    {
        _engine.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [BrowserFact]
    public async Task Maps_fill_in_and_buttons_pause_resume_and_cancel()
    {
        var runner = new HeldRunner(_engine);
        await using var node = await NodeAsync(runner);
        await using var web = await WebHost.StartAsync(node.Desk!, _engine, _engine, _engine, Options(null));
        var study = Study(1);
        var plan = _engine.Plan(study);
        await node.Desk!.SubmitAsync(study);
        await using var browser = await Browser.StartAsync();
        await using var page = await browser.PageAsync();
        await page.SizeAsync(1280, 800);
        await page.GoAsync(Url(web));

        await page.UntilAsync("document.querySelector('#link').innerText === 'live'");
        await page.UntilAsync("document.querySelectorAll('#members li').length === 1");
        await page.UntilAsync("document.querySelectorAll('#workers li').length === 2");
        await page.UntilAsync($"document.querySelector('#studies b').innerText === '{study.Id}'");
        await page.UntilAsync("document.querySelectorAll('.frame').length === 2");
        Assert.Equal(0, await Filled(page));

        // The baseline, then every unit but the last few.
        runner.Let(1 + (int)plan.UnitCount / 2);
        await page.UntilAsync("[...document.querySelectorAll('.frame')].some(f => Number(f.dataset.filled) > 0)");
        await page.UntilAsync("document.querySelector('.legend').innerText.startsWith('score')");
        await page.UntilAsync("parseFloat(document.querySelector('#studies .meter i').style.width) > 30");

        await page.ClickAsync("#study .act:nth-child(1)");
        Assert.StartsWith("Pause", await page.TextAsync("#question"), StringComparison.Ordinal);
        await page.ClickAsync("#no");
        Assert.Equal(RunState.Running, (await node.Desk.ProgressAsync(study.Id))!.State);
        await page.ClickAsync("#study .act:nth-child(1)");
        await page.ClickAsync("#yes");
        await page.UntilAsync("document.querySelector('#studies .small').innerText.startsWith('paused')");
        Assert.Equal(RunState.Paused, (await node.Desk.ProgressAsync(study.Id))!.State);
        await page.ClickAsync("#study .act:nth-child(2)");
        await page.ClickAsync("#yes");
        await page.UntilAsync("document.querySelector('#studies .small').innerText.startsWith('running')");
        await page.UntilAsync("[...document.querySelectorAll('#log li')].some(l => l.innerText.includes('resumed'))");

        runner.Let((int)plan.UnitCount);
        await page.UntilAsync("document.querySelector('#studies .small').innerText.startsWith('completed')");
        await page.UntilAsync($"{Cells} === {plan.CellCount}");
        var label = (string)(await page.EvaluateAsync("document.querySelector('.frame').ariaLabel"))!;
        Assert.Contains("strongest", label, StringComparison.Ordinal);

        var other = Study(2);
        await node.Desk.SubmitAsync(other);
        await page.UntilAsync("document.querySelectorAll('#studies li').length === 2");
        await page.ClickAsync("#studies li:first-child button");
        await page.UntilAsync($"document.querySelector('#study h2').innerText === '{other.Id}'");
        await page.ClickAsync("#study .act:nth-child(3)");
        await page.ClickAsync("#yes");
        await page.UntilAsync("document.querySelector('#studies .small').innerText.startsWith('cancelled')");
        Assert.Equal(RunState.Cancelled, (await node.Desk.ProgressAsync(other.Id))!.State);
        Assert.Empty(page.Complaints);
        Assert.All(page.Requests, r => Assert.StartsWith(Url(web), r, StringComparison.Ordinal));
    }

    [BrowserFact]
    public async Task The_page_fits_a_telephone_both_colour_schemes_and_the_keyboard()
    {
        await using var node = await NodeAsync(_engine);
        await using var web = await WebHost.StartAsync(node.Desk!, _engine, _engine, _engine, Options(null));
        var study = Study(1);
        await node.Desk!.SubmitAsync(study);
        await using var browser = await Browser.StartAsync();
        await using var page = await browser.PageAsync();
        await page.SizeAsync(400, 800);
        await page.GoAsync(Url(web));
        await page.UntilAsync("document.querySelector('#studies .small')?.innerText.startsWith('completed')");
        await page.UntilAsync($"document.querySelectorAll('.frame').length === 2 && {Cells} > 0");

        foreach (var width in new[] { 400, 320, 1280 })
        {
            await page.SizeAsync(width, 800);
            await Task.Delay(300);
            var wide = (int)(await page.EvaluateAsync("document.documentElement.scrollWidth"))!;
            Assert.True(wide <= width, $"the page is {wide} px wide at {width} px");
        }
        var colours = new List<string>();
        foreach (var scheme in new[] { "light", "dark" })
        {
            await page.SchemeAsync(scheme);
            colours.Add((string)(await page.EvaluateAsync("getComputedStyle(document.body).backgroundColor"))!);
            var contrast = (double)(await page.EvaluateAsync(Contrast))!;
            Assert.True(contrast >= 4.5, $"text in {scheme} has a contrast of {contrast}");
        }
        Assert.NotEqual(colours[0], colours[1]);

        // From the top of the page to a map by the keyboard alone, and a cell read aloud.
        await page.EvaluateAsync("document.activeElement?.blur()");
        for (var tabs = 0; tabs < 40 && !(bool)(await page.EvaluateAsync("document.activeElement.className === 'frame'"))!; tabs++)
            await page.PressAsync("Tab", 9);
        await page.PressAsync("ArrowDown", 40);
        var reading = await page.TextAsync("#reading");
        Assert.Matches("^resid_pre layer \\d+, position 0 “.+”: score ", reading);
        Assert.Equal("polite", (string?)await page.EvaluateAsync("document.querySelector('#reading').ariaLive"));
        // Every control has a name, every image a text.
        Assert.Equal(0, (int)(await page.EvaluateAsync("""
            [...document.querySelectorAll("button, input, select, [role=img], [role=application]")]
              .filter(e => e.checkVisibility() && !(e.innerText || e.ariaLabel || e.labels?.length)).length
            """))!);
        Assert.Empty(page.Complaints);
    }

    [BrowserFact]
    public async Task The_page_asks_for_the_token_and_says_when_it_is_wrong()
    {
        await using var node = await NodeAsync(_engine);
        await using var web = await WebHost.StartAsync(node.Desk!, _engine, _engine, _engine, Options("right"));
        await using var browser = await Browser.StartAsync();
        await using var page = await browser.PageAsync();
        await page.GoAsync(Url(web));
        await page.UntilAsync("!document.querySelector('#ask').hidden && document.activeElement.id === 'token'");
        await page.TypeAsync("wrong");
        await page.PressAsync("Enter", 13);
        await page.UntilAsync("document.querySelector('#wrong').innerText === 'That token is wrong.'");
        await page.EvaluateAsync("document.querySelector('#token').select()");
        await page.TypeAsync("right");
        await page.PressAsync("Enter", 13);
        await page.UntilAsync("document.querySelector('#link').innerText === 'live'");
        Assert.True((bool)(await page.EvaluateAsync("document.querySelector('#ask').hidden"))!);

        // A coordinator that goes is said to be gone; one that comes back at the same place is found.
        await web.DisposeAsync();
        await page.UntilAsync("document.querySelector('#link').innerText.startsWith('connection lost')");
        var there = Options("right") with { Port = web.Endpoint.Port };
        await using var again = await WebHost.StartAsync(node.Desk!, _engine, _engine, _engine, there);
        await page.UntilAsync("document.querySelector('#link').innerText === 'live'");
    }

    /// <summary>Smallest contrast (WCAG 2) of the muted and the plain text to the page's ground.</summary>
    private const string Contrast = """
        (() => {
          const rgb = c => { const g = document.createElement("canvas").getContext("2d"); g.fillStyle = c; g.fillRect(0, 0, 1, 1);
            return [...g.getImageData(0, 0, 1, 1).data].slice(0, 3).map(v => v / 255)
              .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); };
          const light = c => { const [r, g, b] = rgb(c); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
          const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
          const ground = getComputedStyle(document.body).backgroundColor;
          return Math.min(...["body", ".muted"].map(e => ratio(getComputedStyle(document.querySelector(e)).color, ground)));
        })()
        """;

    /// <summary>How many cells are filled in.</summary>
    private const string Cells = "[...document.querySelectorAll('.frame')].reduce((n, f) => n + Number(f.dataset.filled), 0)";

    private static async Task<int> Filled(BrowserPage page) => (int)(await page.EvaluateAsync(Cells))!;

    private Task<ClusterNode> NodeAsync(IUnitRunner runner) => ClusterNode.StartAsync(
        new ClusterNodeOptions(["coordinator", "compute"], Path.Combine(_folder, "node"), _engine, runner) { Workers = 2 });

    private WebOptions Options(string? token) =>
        new("127.0.0.1", 0, token, Path.Combine(_folder, "web")) { Beat = TimeSpan.FromMilliseconds(100) };

    private static string Url(WebHost web) => $"http://{web.Endpoint.Host}:{web.Endpoint.Port}/";

    private Study Study(int seed)
    {
        var source = $$"""
            study {
              name = page
              seed = {{seed}}
              model { path = "{{Interp.Model("gt-ioi")}}" }
              task { kind = ioi, n = 4 }
              metric { kind = logit-difference }
              method { kind = activation-patching, components = [resid_pre, z], by = position }
            }
            """;
        return StudyCompiler.Compile(StudyFile.Parse(source, "page.conf"), source, _folder, 1);
    }
}
