using System.Text.Json;
using InterpActors.Host.Hosting;
using InterpActors.Messages.Studies;
using Microsoft.AspNetCore.Http;

namespace InterpActors.Host.Web;

/// <summary>Server-sent events: one study's progress until it is over, and the overview of everything.</summary>
internal sealed class EventStreams(IStudyDesk desk, ClusterWatch watch, WebOptions options, CancellationToken stopping)
{
    /// <summary>A silent stream says that it is alive this often, so that either side notices a lost connection.</summary>
    private static readonly TimeSpan Pulse = TimeSpan.FromSeconds(5);

    private int _open;

    public IEnumerable<ApiRoute> All() =>
    [
        ApiRoute.Stream("/api/studies/{id}/events", "The study's progress whenever it changes; ends when the study is over",
            typeof(StudyProgress), StudyAsync),
        ApiRoute.Stream("/api/events", "Studies, members, workers and the log whenever they change", typeof(Overview), OverviewAsync),
    ];

    private async Task StudyAsync(HttpContext http)
    {
        var id = (await StudyRoutes.NamedAsync(http, desk)).Study;
        await StreamAsync(http, async () => await desk.ProgressAsync(id), p => p is null || StudyEnd.IsOver(p));
    }

    private Task OverviewAsync(HttpContext http) => StreamAsync(http, watch.LatestAsync, _ => false);

    private async Task StreamAsync<T>(HttpContext http, Func<Task<T>> next, Func<T, bool> last)
    {
        if (Interlocked.Increment(ref _open) > options.MaximumStreams)
        {
            Interlocked.Decrement(ref _open);
            throw new ApiException(StatusCodes.Status429TooManyRequests, $"{options.MaximumStreams} event streams are open already");
        }
        using var either = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, stopping);
        try
        {
            await SendAsync(http.Response, next, last, either.Token);
        }
        catch (OperationCanceledException)
        {
            // The reader left, or the node stops.
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }

    private async Task SendAsync<T>(HttpResponse response, Func<Task<T>> next, Func<T, bool> last, CancellationToken cancellation)
    {
        byte[]? sent = null;
        var silent = System.Diagnostics.Stopwatch.StartNew();
        while (true)
        {
            var value = await NextAsync(next);
            if (value is { } known)
            {
                var bytes = JsonSerializer.SerializeToUtf8Bytes(known, HttpAnswers.Info<T>());
                if (sent is null || !bytes.AsSpan().SequenceEqual(sent))
                {
                    await WriteAsync(response, [.. "data: "u8, .. bytes, .. "\n\n"u8], cancellation);
                    sent = bytes;
                    silent.Restart();
                }
                if (last(known)) return;
            }
            if (silent.Elapsed > Pulse)
            {
                await WriteAsync(response, ": alive\n\n"u8.ToArray(), cancellation);
                silent.Restart();
            }
            await Task.Delay(options.Beat, cancellation);
        }
    }

    /// <summary>Null while the coordinator cannot be reached (it changes, say): the stream stays open and goes on.</summary>
    private static async Task<T?> NextAsync<T>(Func<Task<T>> next)
    {
        try
        {
            return await next();
        }
        catch (StudyException)
        {
            return default;
        }
    }

    private static async Task WriteAsync(HttpResponse response, byte[] bytes, CancellationToken cancellation)
    {
        if (!response.HasStarted) response.ContentType = "text/event-stream; charset=utf-8";
        await response.Body.WriteAsync(bytes, cancellation);
        await response.Body.FlushAsync(cancellation);
    }
}
