using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace InterpActors.Host.Web;

/// <summary>Sending files, whole or in part.</summary>
internal static class FileAnswers
{
    /// <summary>Sends a file, or the one range of it that the request asks for.</summary>
    /// <param name="tag">Says which content it is; a range goes on with a download only where this has not changed.</param>
    public static async Task SendFileAsync(this HttpContext http, string path, string tag, string media)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 0, useAsync: true);
        var etag = new EntityTagHeaderValue($"\"{tag}\"");
        var headers = http.Response.GetTypedHeaders();
        headers.ETag = etag;
        http.Response.Headers.AcceptRanges = "bytes";
        http.Response.ContentType = media;
        var (first, length) = (0L, file.Length);
        var asked = http.Request.GetTypedHeaders();
        var current = asked.IfRange?.EntityTag is not { } condition || condition.Compare(etag, useStrongComparison: true);
        if (current && asked.Range is { Unit.Value: "bytes", Ranges: { Count: 1 } ranges })
        {
            var range = ranges.First();
            var last = range.From is null ? file.Length - 1 : Math.Min(range.To ?? long.MaxValue, file.Length - 1);
            first = range.From ?? Math.Max(0, file.Length - range.To!.Value);
            if (first > last)
            {
                http.Response.Headers.ContentRange = $"bytes */{file.Length}";
                http.Response.ContentType = null;
                throw new ApiException(StatusCodes.Status416RangeNotSatisfiable, $"the file has {file.Length} bytes");
            }
            length = last - first + 1;
            http.Response.StatusCode = StatusCodes.Status206PartialContent;
            headers.ContentRange = new ContentRangeHeaderValue(first, last, file.Length);
        }
        http.Response.ContentLength = length;
        file.Position = first;
        var buffer = new byte[128 << 10];
        while (length > 0)
        {
            var read = await file.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, length)), http.RequestAborted);
            if (read == 0) throw new IOException($"{path} has become shorter");
            await http.Response.Body.WriteAsync(buffer.AsMemory(0, read), http.RequestAborted);
            length -= read;
        }
    }
}
