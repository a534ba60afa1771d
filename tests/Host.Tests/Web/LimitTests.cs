using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Tests.Web;

/// <summary>Who may ask, and how much.</summary>
public sealed class LimitTests
{
    [Theory]
    [InlineData(null, HttpStatusCode.Unauthorized)]
    [InlineData("Bearer wrong", HttpStatusCode.Unauthorized)]
    [InlineData("Bearer ", HttpStatusCode.Unauthorized)]
    [InlineData("Basic right", HttpStatusCode.Unauthorized)]
    [InlineData("Bearer right", HttpStatusCode.OK)]
    public async Task Only_the_token_opens_everything_but_the_page_and_the_description(string? header, HttpStatusCode expected)
    {
        await using var web = await WebFixture.StartAsync("right");
        web.Http.DefaultRequestHeaders.Remove("Authorization");
        if (header is not null) Assert.True(web.Http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", header));
        foreach (var path in new[] { "/api/studies", "/api/cluster", "/metrics" })
        {
            using var answer = await web.Http.GetAsync(path);
            Assert.Equal(expected, answer.StatusCode);
        }
        foreach (var path in new[] { "/", "/openapi.json" })
        {
            using var open = await web.Http.GetAsync(path);
            Assert.Equal(HttpStatusCode.OK, open.StatusCode);
        }
    }

    [Theory]
    [InlineData("Host", "evil.example")]
    [InlineData("Origin", "http://evil.example")]
    public async Task Without_a_token_pages_from_elsewhere_are_refused(string header, string value)
    {
        await using var web = await WebFixture.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/studies/none-0123456789ab/cancel");
        Assert.True(request.Headers.TryAddWithoutValidation(header, value));
        using var answer = await web.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
    }

    [Fact]
    public async Task An_address_that_others_can_reach_needs_a_token()
    {
        var refused = await Assert.ThrowsAsync<StudyException>(() => WebFixture.StartAsync(null, o => o with { Host = "0.0.0.0" }));
        Assert.Contains("INTERP_TOKEN", refused.Message, StringComparison.Ordinal);
        await using var web = await WebFixture.StartAsync();
        var taken = await Assert.ThrowsAsync<StudyException>(() =>
            WebFixture.StartAsync(null, o => o with { Port = web.Web.Endpoint.Port }));
        Assert.Contains("cannot listen", taken.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_above_the_limit_is_refused_unread()
    {
        await using var web = await WebFixture.StartAsync();
        // A gigabyte by its header, of which nothing is sent.
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, web.Web.Endpoint.Port);
        await using var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            "POST /api/studies HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n"));
        var buffer = new byte[4096];
        var read = await stream.ReadAtLeastAsync(buffer, 12, throwOnEndOfStream: false);
        Assert.StartsWith("HTTP/1.1 413", Encoding.ASCII.GetString(buffer, 0, read), StringComparison.Ordinal);

        using var chunked = new HttpRequestMessage(HttpMethod.Post, "/api/studies");
        chunked.Content = new ByteArrayContent(new byte[(1 << 20) + 1]);
        chunked.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        chunked.Headers.TransferEncodingChunked = true;
        // 400 where the bytes read so far are no JSON, 413 where the limit is met first: never more than the limit is read.
        using var answer = await web.Http.SendAsync(chunked);
        Assert.Contains(answer.StatusCode, new[] { HttpStatusCode.RequestEntityTooLarge, HttpStatusCode.BadRequest });
    }

    [Fact]
    public async Task Too_many_unfinished_studies_are_told_to_come_again_and_known_ones_are_not()
    {
        await using var web = await WebFixture.StartAsync(change: o => o with { MaximumUnfinished = 2 });
        var first = await web.Submitted(1);
        await web.Submitted(2);
        using (var third = await web.Submit(WebFixture.Source(3)))
        {
            Assert.Equal(HttpStatusCode.TooManyRequests, third.StatusCode);
            Assert.NotNull(third.Headers.RetryAfter);
        }
        Assert.Equal(first, await web.Submitted(1));
        web.Desk.Put(new StudyId(first), p => p with { State = RunState.Completed });
        await web.Submitted(3);
        Assert.Equal(3, web.Desk.Begun);
    }

    [Fact]
    public async Task A_crowd_of_submissions_is_held_off_and_none_accepted_is_lost()
    {
        await using var web = await WebFixture.StartAsync(change: o => o with { MaximumWaiting = 3 });
        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => web.Submit(WebFixture.Source(i))));
        var accepted = answers.Count(a => a.StatusCode == HttpStatusCode.Created);
        Assert.Equal(40, accepted + answers.Count(a => a.StatusCode == HttpStatusCode.TooManyRequests));
        Assert.InRange(accepted, 3, 39);
        Assert.Equal(accepted, web.Desk.Begun);
        foreach (var answer in answers) answer.Dispose();
    }

    [Fact]
    public async Task Streams_are_limited()
    {
        await using var web = await WebFixture.StartAsync(change: o => o with { MaximumStreams = 1 });
        using var first = await web.Http.GetAsync("/api/events", HttpCompletionOption.ResponseHeadersRead);
        using var second = await web.Http.GetAsync("/api/events", HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        Assert.Equal(HttpStatusCode.TooManyRequests, second.StatusCode);
    }

    [Fact]
    public async Task The_page_asks_its_own_origin_only_and_runs_no_foreign_script()
    {
        await using var web = await WebFixture.StartAsync("secret");
        using var answer = await web.Http.GetAsync("/");
        var page = await answer.Content.ReadAsStringAsync();
        // The name of SVG is an address by its looks alone.
        var rest = page.Replace("http://www.w3.org/2000/svg", "", StringComparison.Ordinal);
        Assert.DoesNotContain("http://", rest, StringComparison.Ordinal);
        Assert.DoesNotContain("https://", page, StringComparison.Ordinal);
        Assert.DoesNotContain("innerHTML", page, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", page, StringComparison.Ordinal);
        var policy = Assert.Single(answer.Headers.GetValues("Content-Security-Policy"));
        Assert.Contains("connect-src 'self'", policy, StringComparison.Ordinal);
        foreach (var tag in new[] { "script", "style" })
        {
            var inner = page.Split($"<{tag}>")[1].Split($"</{tag}>")[0];
            var hash = Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(inner)));
            Assert.Contains($"{tag}-src 'sha256-{hash}'", policy, StringComparison.Ordinal);
        }
    }
}
