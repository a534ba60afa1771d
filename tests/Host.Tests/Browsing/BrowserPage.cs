using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;

namespace InterpActors.Host.Tests.Browsing;

/// <summary>
/// One page of a browser, through the DevTools protocol: what it shows, what is typed and clicked, and what went wrong in it.
/// </summary>
internal sealed class BrowserPage : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ClientWebSocket _socket = new();
    private readonly SemaphoreSlim _sending = new(1);
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonNode>> _asked = new();
    private readonly CancellationTokenSource _stopping = new();
    private Task _listening = Task.CompletedTask;
    private int _number;

    private BrowserPage()
    {
    }

    /// <summary>Errors and warnings of the console, exceptions, and what the content security policy forbade.</summary>
    public ConcurrentQueue<string> Complaints { get; } = new();

    /// <summary>Every address that was asked for.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    public static async Task<BrowserPage> OpenAsync(Uri address)
    {
        var page = new BrowserPage();
        await page._socket.ConnectAsync(address, CancellationToken.None);
        page._listening = Task.Run(page.ListenAsync);
        foreach (var domain in new[] { "Page", "Runtime", "Log", "Network" }) await page.SendAsync($"{domain}.enable");
        return page;
    }

    public async Task GoAsync(string url)
    {
        await SendAsync("Page.navigate", new() { ["url"] = url });
        await UntilAsync("document.readyState === 'complete'");
    }

    public Task SizeAsync(int width, int height) => SendAsync("Emulation.setDeviceMetricsOverride",
        new() { ["width"] = width, ["height"] = height, ["deviceScaleFactor"] = 1, ["mobile"] = width < 600 });

    /// <param name="scheme"><c>light</c> or <c>dark</c>.</param>
    public Task SchemeAsync(string scheme) => SendAsync("Emulation.setEmulatedMedia",
        new() { ["features"] = new JsonArray(new JsonObject { ["name"] = "prefers-color-scheme", ["value"] = scheme }) });

    /// <summary>The value of an expression in the page, as JSON.</summary>
    public async Task<JsonNode?> EvaluateAsync(string expression)
    {
        var answer = await SendAsync("Runtime.evaluate",
            new() { ["expression"] = expression, ["returnByValue"] = true, ["awaitPromise"] = true, ["userGesture"] = true });
        if (answer["exceptionDetails"] is { } thrown) throw new InvalidOperationException($"{expression}: {thrown.ToJsonString()}");
        return answer["result"]?["value"]?.DeepClone();
    }

    public async Task<string> TextAsync(string selector) =>
        (string?)await EvaluateAsync($"document.querySelector({Quoted(selector)})?.innerText ?? ''") ?? "";

    /// <summary>Waits until an expression of the page is true.</summary>
    public async Task UntilAsync(string expression)
    {
        var until = DateTimeOffset.UtcNow + Patience;
        while (true)
        {
            if ((await EvaluateAsync($"Boolean({expression})"))!.GetValue<bool>()) return;
            if (DateTimeOffset.UtcNow > until)
            {
                throw new TimeoutException($"never true: {expression}; the page shows: {await TextAsync("body")}; "
                    + $"complaints: {string.Join("; ", Complaints)}");
            }
            await Task.Delay(50);
        }
    }

    /// <summary>A click with the mouse in the middle of an element.</summary>
    public async Task ClickAsync(string selector)
    {
        var box = await EvaluateAsync($$"""
            (() => { const e = document.querySelector({{Quoted(selector)}}); e.scrollIntoView({ block: "center" });
            const b = e.getBoundingClientRect(); return { x: b.x + b.width / 2, y: b.y + b.height / 2 }; })()
            """);
        foreach (var type in new[] { "mousePressed", "mouseReleased" })
        {
            await SendAsync("Input.dispatchMouseEvent", new()
            {
                ["type"] = type,
                ["x"] = box!["x"]!.DeepClone(),
                ["y"] = box["y"]!.DeepClone(),
                ["button"] = "left",
                ["clickCount"] = 1,
            });
        }
    }

    /// <summary>A key by its name, e.g. <c>Tab</c>, <c>ArrowUp</c>, <c>Enter</c>.</summary>
    public async Task PressAsync(string key, int code)
    {
        foreach (var type in new[] { "keyDown", "keyUp" })
        {
            var stroke = new JsonObject { ["type"] = type, ["key"] = key, ["code"] = key, ["windowsVirtualKeyCode"] = code };
            if (key == "Enter" && type == "keyDown") stroke["text"] = "\r";
            await SendAsync("Input.dispatchKeyEvent", stroke);
        }
    }

    public Task TypeAsync(string text) => SendAsync("Input.insertText", new() { ["text"] = text });

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _listening;
        _socket.Dispose();
        _stopping.Dispose();
    }

    private static string Quoted(string text) => JsonValue.Create(text).ToJsonString();

    private async Task<JsonNode> SendAsync(string method, JsonObject? parameters = null)
    {
        var number = Interlocked.Increment(ref _number);
        var answer = new TaskCompletionSource<JsonNode>(TaskCreationOptions.RunContinuationsAsynchronously);
        _asked[number] = answer;
        var command = new JsonObject { ["id"] = number, ["method"] = method, ["params"] = parameters ?? [] };
        await _sending.WaitAsync();
        try
        {
            await _socket.SendAsync(Encoding.UTF8.GetBytes(command.ToJsonString()), WebSocketMessageType.Text, true, _stopping.Token);
        }
        finally
        {
            _sending.Release();
        }
        return await answer.Task.WaitAsync(Patience);
    }

    private async Task ListenAsync()
    {
        var buffer = new byte[1 << 16];
        using var message = new MemoryStream();
        try
        {
            while (true)
            {
                message.SetLength(0);
                ValueWebSocketReceiveResult part;
                do
                {
                    part = await _socket.ReceiveAsync(buffer.AsMemory(), _stopping.Token);
                    message.Write(buffer, 0, part.Count);
                }
                while (!part.EndOfMessage);
                if (part.MessageType == WebSocketMessageType.Close) return;
                Take(JsonNode.Parse(message.ToArray())!);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException)
        {
            foreach (var asked in _asked.Values) asked.TrySetException(new InvalidOperationException("the browser is gone", e));
        }
    }

    private void Take(JsonNode message)
    {
        if (message["id"] is { } id)
        {
            if (!_asked.TryRemove(id.GetValue<int>(), out var asked)) return;
            if (message["error"] is { } error) asked.SetException(new InvalidOperationException(error.ToJsonString()));
            else asked.SetResult(message["result"]!);
            return;
        }
        var what = message["params"];
        switch ((string?)message["method"])
        {
            case "Runtime.exceptionThrown":
                Complaints.Enqueue(what!["exceptionDetails"]!.ToJsonString());
                break;
            case "Runtime.consoleAPICalled" when (string?)what!["type"] is "error" or "warning" or "assert":
                Complaints.Enqueue(what["args"]!.ToJsonString());
                break;
            case "Log.entryAdded" when (string?)what!["entry"]!["level"] is "error" or "warning":
                Complaints.Enqueue(what["entry"]!.ToJsonString());
                break;
            case "Network.requestWillBeSent":
                Requests.Enqueue((string)what!["request"]!["url"]!);
                break;
        }
    }
}
