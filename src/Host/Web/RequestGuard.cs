using System.Diagnostics;
using InterpActors.Messages.Studies;
using Microsoft.AspNetCore.Http;

namespace InterpActors.Host.Web;

/// <summary>What every request goes through: access, size, and one line for whatever goes wrong.</summary>
internal static class RequestGuard
{
    public static async Task PassAsync(HttpContext http, RequestDelegate next, AccessGate gate, long maximumBody)
    {
        AccessGate.Harden(http.Response);
        var route = http.GetEndpoint()?.Metadata.GetMetadata<ApiRoute>();
        NameSpan(http, route);
        maximumBody = route?.MaximumBody?.Invoke() ?? maximumBody;
        try
        {
            var open = route?.Open == true;
            if (!open && gate.Refuse(http.Request) is { } refused)
            {
                if (refused.Status == StatusCodes.Status401Unauthorized) http.Response.Headers.WWWAuthenticate = "Bearer";
                await http.RefuseAsync(refused.Status, refused.Line);
                return;
            }
            if (http.Request.ContentLength > maximumBody)
            {
                await TooLargeAsync(http, maximumBody);
                return;
            }
            await next(http);
            if (http.Response.HasStarted || http.Response.StatusCode < 400) return;
            await http.RefuseAsync(http.Response.StatusCode, http.Response.StatusCode == StatusCodes.Status405MethodNotAllowed
                ? $"{http.Request.Method} is not possible here; /openapi.json says what is"
                : "there is nothing here; /openapi.json says what there is");
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // Nobody waits for the answer.
        }
        catch (Exception e) when (!http.Response.HasStarted)
        {
            http.Response.Headers.ContentLength = null;
            switch (e)
            {
                case ApiException api:
                    if (api.Status == StatusCodes.Status429TooManyRequests) http.Response.Headers.RetryAfter = "2";
                    await http.RefuseAsync(api.Status, api.Message);
                    break;
                case BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge }:
                    await TooLargeAsync(http, maximumBody);
                    break;
                case BadHttpRequestException bad:
                    await http.RefuseAsync(bad.StatusCode, bad.Message);
                    break;
                case StudyException:
                    // What is wrong with the input was refused before: this is the cluster's trouble.
                    await http.RefuseAsync(StatusCodes.Status503ServiceUnavailable, e.Message);
                    break;
                default:
                    await http.RefuseAsync(StatusCodes.Status500InternalServerError,
                        $"{e.GetType().Name}: {e.Message.ReplaceLineEndings(" ")}");
                    break;
            }
        }
    }

    /// <summary>By the route, not by the path: all requests for one study's progress, say, are of one kind.</summary>
    private static void NameSpan(HttpContext http, ApiRoute? route)
    {
        if (Activity.Current is not { IsAllDataRequested: true } span) return;
        span.DisplayName = route is null ? http.Request.Method : $"{http.Request.Method} {route.Pattern}";
        span.SetTag("http.request.method", http.Request.Method);
        span.SetTag("http.route", route?.Pattern);
        http.Response.OnStarting(() =>
        {
            span.SetTag("http.response.status_code", http.Response.StatusCode);
            return Task.CompletedTask;
        });
    }

    private static Task TooLargeAsync(HttpContext http, long maximumBody)
    {
        // The rest of the body is not read.
        http.Response.Headers.Connection = "close";
        return http.RefuseAsync(StatusCodes.Status413PayloadTooLarge,
            $"the request is larger than {maximumBody >> 10} KiB; files go to /api/artifacts, of at most interp.artifacts.upload-limit");
    }
}
