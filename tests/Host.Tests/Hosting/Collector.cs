using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace InterpActors.Host.Tests.Hosting;

/// <summary>Takes what is sent over OTLP/HTTP on a free port of loopback.</summary>
internal sealed class Collector : IAsyncDisposable
{
    private readonly HttpListener _listener = new();
    private readonly Task _listening;

    public Collector()
    {
        using (var free = new TcpListener(IPAddress.Loopback, 0))
        {
            free.Start();
            Endpoint = $"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}";
        }
        _listener.Prefixes.Add(Endpoint + "/");
        _listener.Start();
        _listening = Task.Run(ListenAsync);
    }

    public string Endpoint { get; }

    /// <summary>What was sent: path and body.</summary>
    public ConcurrentQueue<(string Path, byte[] Body)> Received { get; } = new();

    /// <summary>True where a message to a path holds these bytes.</summary>
    public bool Holds(string path, byte[] bytes) => Received.Any(r => r.Path == path && r.Body.AsSpan().IndexOf(bytes) >= 0);

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _listening;
        _listener.Close();
    }

    private async Task ListenAsync()
    {
        try
        {
            while (true)
            {
                var context = await _listener.GetContextAsync();
                using var body = new MemoryStream();
                await context.Request.InputStream.CopyToAsync(body);
                Received.Enqueue((context.Request.Url!.AbsolutePath, body.ToArray()));
                context.Response.Close();
            }
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException or InvalidOperationException)
        {
            // Stopped.
        }
    }
}
