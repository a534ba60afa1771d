using System.Diagnostics;
using System.Text.Json.Nodes;

namespace InterpActors.Host.Tests.Browsing;

/// <summary>A headless Chromium of its own, with a profile that is thrown away.</summary>
internal sealed class Browser : IAsyncDisposable
{
    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

    private readonly Process _process;
    private readonly string _profile;

    private Browser(Process process, string profile) => (_process, _profile) = (process, profile);

    /// <summary>The browser to be used; null where there is none.</summary>
    public static string? Executable { get; } =
        Environment.GetEnvironmentVariable("INTERP_TEST_BROWSER") is { Length: > 0 } named ? named
        : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .SelectMany(folder => Names.Select(name => Path.Combine(folder, name))).FirstOrDefault(File.Exists);

    public static async Task<Browser> StartAsync()
    {
        var profile = Directory.CreateTempSubdirectory("browser-").FullName;
        string[] arguments =
        [
            "--headless=new", "--remote-debugging-port=0", $"--user-data-dir={profile}", "--disable-gpu", "--disable-dev-shm-usage",
            "--no-first-run", "--no-default-browser-check", "--no-proxy-server", "--disable-background-networking", "--disable-sync",
            "--disable-component-update", "--disable-default-apps", "--disable-extensions", "--mute-audio", "--hide-scrollbars",
            // Containers run tests as root, and the pages are our own.
            .. (string[])(Environment.UserName == "root" ? ["--no-sandbox"] : []), "about:blank",
        ];
        var start = new ProcessStartInfo(Executable!, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            // What it leaves when it is killed goes with the profile.
            Environment = { ["TMPDIR"] = profile },
        };
        var browser = new Browser(Process.Start(start)!, profile);
        _ = browser._process.StandardOutput.ReadToEndAsync();
        _ = browser._process.StandardError.ReadToEndAsync();
        return browser;
    }

    /// <summary>The page that the browser was started with.</summary>
    public async Task<BrowserPage> PageAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var file = Path.Combine(_profile, "DevToolsActivePort");
        while (!File.Exists(file) || (await File.ReadAllLinesAsync(file, limit.Token)).Length < 2)
        {
            Assert.False(_process.HasExited, "the browser ended at once");
            await Task.Delay(50, limit.Token);
        }
        var port = (await File.ReadAllLinesAsync(file, limit.Token))[0];
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        while (true)
        {
            var targets = JsonNode.Parse(await http.GetStringAsync($"http://127.0.0.1:{port}/json/list", limit.Token))!.AsArray();
            if (targets.FirstOrDefault(t => (string)t!["type"]! == "page") is { } page)
                return await BrowserPage.OpenAsync(new Uri((string)page["webSocketDebuggerUrl"]!));
            await Task.Delay(50, limit.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        for (var again = 0; again < 20; again++)
        {
            try
            {
                Directory.Delete(_profile, recursive: true);
                return;
            }
            catch (IOException)
            {
                // A process of the browser's is still writing its last words.
                await Task.Delay(100);
            }
        }
    }
}
