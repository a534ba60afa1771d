using System.Globalization;
using InterpActors.Actors.Artifacts;
using InterpActors.Messages.Artifacts;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace InterpActors.Host.Web;

/// <summary>Files by content: which of a study's are missing, sending them, fetching them.</summary>
internal sealed class ArtifactRoutes(StudyIntake intake, NodeArtifacts artifacts, ResultStore results)
{
    /// <summary>How far an upload that was interrupted has come: the next one begins there.</summary>
    public const string OffsetHeader = "Upload-Offset";

    private const string Pattern = "/api/artifacts/{sha256}";

    public IEnumerable<ApiRoute> All() =>
    [
        ApiRoute.Post("/api/artifacts/missing", "Which files of a study must be sent before it is submitted", MissingAsync,
            typeof(InputQuery)),
        ApiRoute.Raw(Pattern, "A file by the SHA-256 of its content; answers ranges", "application/octet-stream", DownloadAsync),
        ApiRoute.Raw(Pattern, $"Whether a file is here; {OffsetHeader} says how much of it is", "application/octet-stream", LookAsync)
            with { Method = "HEAD" },
        ApiRoute.Raw(Pattern,
            "Sends a file, whole or, with Content-Range, from where an interrupted upload ended; kept only where the content is what "
            + "its name says", "application/json", UploadAsync) with
        {
            Method = "PUT", BodyMedia = "application/octet-stream", MaximumBody = () => artifacts.UploadLimit,
        },
    ];

    private async Task<MissingInputs> MissingAsync(HttpContext http)
    {
        var query = await http.ReadAsync<InputQuery>();
        if (!Path.IsPathFullyQualified(query.Folder))
            throw new ApiException(StatusCodes.Status400BadRequest, "folder is not an absolute path");
        var missing = await Task.Run(() => intake.Missing(query.Folder, query.Inputs), http.RequestAborted);
        if (missing.FirstOrDefault(m => m.Bytes > artifacts.UploadLimit) is { } large) throw TooLarge(large.Bytes);
        return new MissingInputs([.. missing.Select(m => new MissingInput(m.Sha256, m.Bytes, artifacts.Store.PartialLength(m.Sha256)))]);
    }

    private Task LookAsync(HttpContext http)
    {
        var artifact = Named(http);
        http.Response.StatusCode = StatusCodes.Status404NotFound;
        if (artifacts.Store.LengthOf(artifact) is { } bytes)
        {
            http.Response.StatusCode = StatusCodes.Status200OK;
            http.Response.ContentLength = bytes;
            http.Response.Headers.AcceptRanges = "bytes";
        }
        else http.Response.Headers[OffsetHeader] = artifacts.Store.PartialLength(artifact).ToString(CultureInfo.InvariantCulture);
        return http.Response.CompleteAsync();
    }

    private async Task DownloadAsync(HttpContext http)
    {
        var artifact = Named(http);
        var path = await Task.Run(() => artifacts.Store.Find(artifact)) ?? results.ArtifactPath(artifact)
            ?? throw new ApiException(StatusCodes.Status404NotFound, "no file with this SHA-256 is here");
        using (artifacts.Store.Hold([artifact])) await http.SendFileAsync(path, artifact.Value, "application/octet-stream");
    }

    private async Task UploadAsync(HttpContext http)
    {
        var artifact = Named(http);
        var (first, total) = Extent(http.Request);
        if (total > artifacts.UploadLimit) throw TooLarge(total);
        if (await Task.Run(() => artifacts.Store.Find(artifact)) is not null)
        {
            await http.AnswerAsync(new ArtifactReceipt(artifact, total, total));
            return;
        }
        using var writer = await BeginAsync(artifact, total);
        if (first == 0) writer.Restart();
        else if (first != writer.Offset)
        {
            http.Response.Headers[OffsetHeader] = writer.Offset.ToString(CultureInfo.InvariantCulture);
            throw new ApiException(StatusCodes.Status409Conflict, $"{writer.Offset} bytes of this file are here; send it from there");
        }
        http.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = total - first;
        await ReceiveAsync(http, writer);
        if (writer.Offset == total && !await Task.Run(writer.Complete))
            throw new ApiException(StatusCodes.Status422UnprocessableEntity,
                "the bytes are not what the SHA-256 says, and nothing of them is kept; send the file again");
        var here = writer.IsComplete ? total : writer.Offset;
        http.Response.StatusCode = writer.IsComplete ? StatusCodes.Status201Created : StatusCodes.Status202Accepted;
        http.Response.Headers[OffsetHeader] = here.ToString(CultureInfo.InvariantCulture);
        await http.AnswerAsync(new ArtifactReceipt(artifact, total, here));
    }

    private async Task<ArtifactWriter> BeginAsync(ArtifactId artifact, long total)
    {
        try
        {
            // What an interrupted upload left is read again, for its hash.
            return await Task.Run(() => artifacts.Store.BeginWrite(artifact, total))
                ?? throw new ApiException(StatusCodes.Status409Conflict,
                    "somebody else is sending this file just now; ask for it in a moment");
        }
        catch (ArtifactException e)
        {
            throw new ApiException(StatusCodes.Status507InsufficientStorage, e.Message);
        }
    }

    private static async Task ReceiveAsync(HttpContext http, ArtifactWriter writer)
    {
        var buffer = new byte[128 << 10];
        try
        {
            for (int read; (read = await http.Request.Body.ReadAsync(buffer, http.RequestAborted)) > 0;)
            {
                if (writer.Offset + read > writer.Bytes)
                    throw new ApiException(StatusCodes.Status400BadRequest, "more bytes than were announced");
                writer.Write(buffer.AsSpan(0, read));
            }
        }
        catch (IOException e) when (e is not BadHttpRequestException && !http.RequestAborted.IsCancellationRequested)
        {
            throw new ApiException(StatusCodes.Status507InsufficientStorage, $"the file cannot be written ({e.Message})");
        }
    }

    /// <summary>Where the body begins in the file, and how long the file is.</summary>
    private static (long First, long Total) Extent(HttpRequest request)
    {
        if (request.GetTypedHeaders().ContentRange is { } range)
        {
            if (range is { HasRange: true, HasLength: true, From: { } from, To: { } to, Length: { } length, Unit.Value: "bytes" }
                && (request.ContentLength is not { } body || body == to - from + 1)) return (from, length);
            throw new ApiException(StatusCodes.Status400BadRequest, "Content-Range must be bytes FIRST-LAST/LENGTH, as long as the body");
        }
        return (0, request.ContentLength
            ?? throw new ApiException(StatusCodes.Status411LengthRequired, "the length must be said: Content-Length"));
    }

    private static ArtifactId Named(HttpContext http) =>
        http.GetRouteValue("sha256") is string text && ArtifactId.IsValid(text) ? new ArtifactId(text)
            : throw new ApiException(StatusCodes.Status400BadRequest, "a file is named by the 64 lower-case hex digits of its SHA-256");

    private ApiException TooLarge(long bytes) => new(StatusCodes.Status413PayloadTooLarge,
        $"a file of {bytes} bytes is more than the {artifacts.UploadLimit} that this coordinator takes; "
        + "put it on a path that the nodes share, or raise interp.artifacts.upload-limit and cache-limit");
}
