using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace InterpActors.Host.Web;

/// <summary>Reading and writing of JSON bodies.</summary>
internal static class HttpAnswers
{
    public static Task AnswerAsync<T>(this HttpContext http, T value)
    {
        http.Response.ContentType = "application/json; charset=utf-8";
        return JsonSerializer.SerializeAsync(http.Response.Body, value, Info<T>(), http.RequestAborted);
    }

    public static Task RefuseAsync(this HttpContext http, int status, string line)
    {
        http.Response.StatusCode = status;
        return http.AnswerAsync(new Refusal(line));
    }

    /// <exception cref="ApiException">The body is not the JSON that it should be.</exception>
    public static async Task<T> ReadAsync<T>(this HttpContext http)
    {
        if (!http.Request.HasJsonContentType())
            throw new ApiException(StatusCodes.Status415UnsupportedMediaType, "the body must be application/json");
        try
        {
            return await JsonSerializer.DeserializeAsync(http.Request.Body, Info<T>(), http.RequestAborted)
                ?? throw new JsonException("the body is null");
        }
        catch (JsonException e)
        {
            throw new ApiException(StatusCodes.Status400BadRequest,
                $"the body is not a {typeof(T).Name} in JSON ({e.Message}); /openapi.json describes it");
        }
    }

    public static JsonTypeInfo<T> Info<T>() => (JsonTypeInfo<T>)ApiJson.Default.GetTypeInfo(typeof(T))!;
}
