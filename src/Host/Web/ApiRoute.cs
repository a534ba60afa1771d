using Microsoft.AspNetCore.Http;

namespace InterpActors.Host.Web;

/// <summary>One operation of the HTTP API. Routes are mapped and described from one list, so that the description is complete.</summary>
/// <param name="Pattern">e.g. <c>/api/studies/{id}</c>.</param>
/// <param name="Body">Type of the JSON body; null for none.</param>
/// <param name="Answer">Type of the JSON answer; null where <paramref name="Media"/> says what comes.</param>
/// <param name="Media">Media type of the answer.</param>
internal sealed record ApiRoute(
    string Method, string Pattern, string Summary, Type? Body, Type? Answer, string Media, RequestDelegate Handle)
{
    /// <summary>True where no token is needed, because nothing of a study is told.</summary>
    public bool Open { get; init; }

    /// <summary>What may stand after the question mark: name and meaning.</summary>
    public IReadOnlyList<(string Name, string Meaning)> Query { get; init; } = [];

    /// <summary>Media type of a body that is no JSON; null for none.</summary>
    public string? BodyMedia { get; init; }

    /// <summary>Largest body, in bytes; null for the limit of all routes.</summary>
    public Func<long>? MaximumBody { get; init; }

    public static ApiRoute Get<TAnswer>(string pattern, string summary, Func<HttpContext, Task<TAnswer>> handle) =>
        new("GET", pattern, summary, null, typeof(TAnswer), Json, async http => await http.AnswerAsync(await handle(http)));

    public static ApiRoute Post<TAnswer>(string pattern, string summary, Func<HttpContext, Task<TAnswer>> handle, Type? body = null) =>
        new("POST", pattern, summary, body, typeof(TAnswer), Json, async http => await http.AnswerAsync(await handle(http)));

    public static ApiRoute Stream(string pattern, string summary, Type each, RequestDelegate handle) =>
        new("GET", pattern, summary, null, each, "text/event-stream", handle);

    public static ApiRoute Raw(string pattern, string summary, string media, RequestDelegate handle) =>
        new("GET", pattern, summary, null, null, media, handle);

    private const string Json = "application/json";
}
