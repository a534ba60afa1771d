using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text.Json;
using InterpActors.Host.Certificates;
using InterpActors.Host.Commands;
using InterpActors.Host.Web;
using InterpActors.Messages.Artifacts;
using InterpActors.Messages.Studies;

namespace InterpActors.Host.Remote;

/// <summary>
/// A coordinator's HTTP API from another machine. What the user got wrong (token, id, study) is a <see cref="StudyException"/>;
/// a coordinator that is not reached, or that cannot answer now, is a <see cref="RunFailedException"/>.
/// </summary>
internal sealed class ClusterClient : IDisposable
{
    /// <summary>A coordinator loads a model to compile a study, so an answer may take its time.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>It looks at files, and runs the prompts through the model, before it accepts a study.</summary>
    private static readonly TimeSpan VerifyPatience = TimeSpan.FromMinutes(30);

    /// <summary>A stream begins once the coordinators agree on who leads.</summary>
    private static readonly TimeSpan StreamPatience = TimeSpan.FromSeconds(60);

    /// <summary>Streams say something every five seconds.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(20);

    private readonly HttpClient _http;
    private readonly Coordinators _coordinators;
    private readonly PeerTrust? _trust;

    /// <param name="url">The coordinator's address, or several with commas between them; null for the one in <c>INTERP_CLUSTER</c>.</param>
    /// <param name="token">Its token; null for the one in <c>INTERP_TOKEN</c>, if there is one.</param>
    public ClusterClient(string? url, string? token = null)
    {
        url ??= Variable("INTERP_CLUSTER")
            ?? throw new StudyException("no coordinator is named", "--cluster", "give --cluster URL, or set INTERP_CLUSTER");
        _coordinators = new Coordinators(url);
        var addresses = _coordinators.Addresses;
        Address = string.Join(", ", addresses.Select(a => a.ToString().TrimEnd('/')));
        var handler = new SocketsHttpHandler
        {
            ConnectTimeout = TimeSpan.FromSeconds(10),
            UseProxy = !addresses.All(a => a.IsLoopback),
            AllowAutoRedirect = false,
        };
        if (addresses.Any(a => a.Scheme == "https") && CertificateFiles.Asked(null) is { } certificates)
        {
            _trust = PeerTrust.Load(certificates);
            handler.SslOptions.RemoteCertificateValidationCallback =
                (_, certificate, _, errors) => _trust.AcceptsServer(certificate, errors);
        }
        _coordinators.InnerHandler = handler;
        _http = new HttpClient(_coordinators) { BaseAddress = addresses[0], Timeout = Timeout.InfiniteTimeSpan };
        if ((token ?? Variable("INTERP_TOKEN")) is not { } given) return;
        if (given.Any(c => c is <= ' ' or > '~'))
            throw new StudyException("the token has characters that no token has", "INTERP_TOKEN", "give the coordinator's token");
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", given);
    }

    /// <summary>The coordinator's address, as messages show it.</summary>
    public string Address { get; }

    public Task<SubmissionReply> SubmitAsync(StudySubmission submission) =>
        JsonAsync<SubmissionReply>(() => Post("api/studies", submission), VerifyPatience);

    /// <summary>Which of a study's files the coordinator lacks; null where it takes no files.</summary>
    public Task<MissingInputs?> MissingAsync(InputQuery query) => GuardAsync(async () =>
    {
        using var limit = new CancellationTokenSource(VerifyPatience);
        using var answer = await SendAsync(() => Post("api/artifacts/missing", query), limit.Token, HttpStatusCode.NotFound);
        return answer.StatusCode == HttpStatusCode.NotFound ? null
            : await answer.Content.ReadFromJsonAsync(HttpAnswers.Info<MissingInputs>(), limit.Token) ?? throw new JsonException("null");
    });

    /// <summary>Sends a file, or what of it is missing yet.</summary>
    /// <param name="offset">How much of it the coordinator has.</param>
    /// <returns>False where the coordinator has another part of it by now: ask again what it has.</returns>
    public Task<bool> UploadAsync(ArtifactId artifact, Stream file, long offset) => GuardAsync(async () =>
    {
        file.Position = offset;
        var content = new StreamContent(file, 128 << 10);
        content.Headers.ContentLength = file.Length - offset;
        if (offset > 0) content.Headers.ContentRange = new ContentRangeHeaderValue(offset, file.Length - 1, file.Length);
        var request = new HttpRequestMessage(HttpMethod.Put, $"api/artifacts/{artifact}") { Content = content };
        // What is refused is not sent.
        request.Headers.ExpectContinue = true;
        using var answer = await SendAsync(() => request, CancellationToken.None, HttpStatusCode.Conflict);
        return answer.StatusCode != HttpStatusCode.Conflict;
    });

    public Task<StudyListing> ListAsync() => GetAsync<StudyListing>("api/studies");

    public Task<StudyDetail> DetailAsync(StudyId study) => GetAsync<StudyDetail>($"api/studies/{study}");

    /// <param name="verb"><c>pause</c>, <c>resume</c> or <c>cancel</c>.</param>
    public Task<StudyProgress> ChangeAsync(StudyId study, string verb) =>
        JsonAsync<StudyProgress>(() => new HttpRequestMessage(HttpMethod.Post, $"api/studies/{study}/{verb}"));

    public Task<ResultListing> ResultsAsync(StudyId study) => GetAsync<ResultListing>($"api/studies/{study}/results");

    /// <summary>Writes a result file to a stream.</summary>
    public Task DownloadAsync(StudyId study, string name, Stream target) => GuardAsync(async () =>
    {
        var path = string.Join('/', name.Split('/').Select(Uri.EscapeDataString));
        using var answer = await SendAsync(() => Get($"api/studies/{study}/results/{path}"), CancellationToken.None);
        await using var content = await answer.Content.ReadAsStreamAsync();
        await content.CopyToAsync(target);
        return true;
    });

    /// <summary>A study's progress whenever it changes; ends where the stream ends.</summary>
    public async IAsyncEnumerable<StudyProgress> FollowAsync(StudyId study,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        using var begin = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        begin.CancelAfter(StreamPatience);
        using var answer = await GuardAsync(() => SendAsync(() => Get($"api/studies/{study}/events"), begin.Token));
        await using var content = await GuardAsync(() => answer.Content.ReadAsStreamAsync(cancellation));
        using var lines = new StreamReader(content);
        while (await GuardAsync(() => LineAsync(lines, cancellation)) is { } line)
            if (line.StartsWith("data: ", StringComparison.Ordinal)) yield return await GuardAsync(() => Task.FromResult(Parse(line[6..])));
    }

    public void Dispose()
    {
        _http.Dispose();
        _trust?.Dispose();
    }

    private static HttpRequestMessage Get(string path) => new(HttpMethod.Get, path);

    private static HttpRequestMessage Post<T>(string path, T body) =>
        new(HttpMethod.Post, path) { Content = JsonContent.Create(body, HttpAnswers.Info<T>()) };

    private Task<T> GetAsync<T>(string path) => JsonAsync<T>(() => Get(path));

    private Task<T> JsonAsync<T>(Func<HttpRequestMessage> request, TimeSpan? patience = null) => GuardAsync(async () =>
    {
        using var limit = new CancellationTokenSource(patience ?? Patience);
        using var answer = await SendAsync(request, limit.Token);
        return await answer.Content.ReadFromJsonAsync(HttpAnswers.Info<T>(), limit.Token) ?? throw new JsonException("null");
    });

    private async Task<HttpResponseMessage> SendAsync(
        Func<HttpRequestMessage> request, CancellationToken cancellation, HttpStatusCode? expected = null)
    {
        using var message = request();
        var answer = await _http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellation);
        if (answer.IsSuccessStatusCode || answer.StatusCode == expected) return answer;
        using (answer)
        {
            var line = await ReasonAsync(answer, cancellation);
            throw answer.StatusCode is HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError
                ? new RunFailedException($"{Address}: {line}")
                : new StudyException(line);
        }
    }

    private static async Task<string> ReasonAsync(HttpResponseMessage answer, CancellationToken cancellation)
    {
        try
        {
            if ((await answer.Content.ReadFromJsonAsync(HttpAnswers.Info<Refusal>(), cancellation))?.Error is { } line) return line;
        }
        catch (Exception e) when (e is JsonException or HttpRequestException or IOException)
        {
            // Whatever answered says it in its own way.
        }
        return $"answered {(int)answer.StatusCode} {answer.ReasonPhrase}; is that a coordinator?";
    }

    private static async Task<string?> LineAsync(StreamReader lines, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Silence);
        return await lines.ReadLineAsync(limit.Token);
    }

    private static StudyProgress Parse(string json) =>
        JsonSerializer.Deserialize(json, HttpAnswers.Info<StudyProgress>()) ?? throw new JsonException("null");

    private async Task<T> GuardAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            var why = (e.InnerException ?? e).Message.TrimEnd('.');
            var remedy = (e as HttpRequestException)?.HttpRequestError switch
            {
                HttpRequestError.ResponseEnded => "a coordinator with certificates speaks https",
                HttpRequestError.SecureConnectionError => _trust is null
                    ? $"{CertificateFiles.Variable} names the folder of certificates whose authority is trusted"
                    : $"the certificate must be of the authority in {CertificateFiles.Variable}, for that name or address",
                _ => "check the address and that the node runs",
            };
            throw new RunFailedException($"{Address}: the coordinator cannot be reached ({why}); {remedy}", e);
        }
        catch (OperationCanceledException e)
        {
            // It is there, and frozen or cut off.
            _coordinators.Change();
            throw new RunFailedException($"{Address}: the coordinator does not answer", e);
        }
        catch (JsonException e)
        {
            throw new RunFailedException($"{Address}: what answers there is no coordinator of this version ({e.Message})", e);
        }
    }

    private static string? Variable(string name) =>
        Environment.GetEnvironmentVariable(name)?.Trim() is { Length: > 0 } value ? value : null;
}
