using System.Net;
using System.Net.Sockets;
using InterpActors.Compute.Studies;
using InterpActors.Host.Hosting;
using InterpActors.Messages.Studies;
using InterpActors.Messages.Work;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace InterpActors.Host.Web;

/// <summary>The coordinator's HTTP API and page.</summary>
public sealed class WebHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly IReadOnlyList<Task> _loops;
    private readonly CancellationTokenSource _stopping;

    private WebHost(WebApplication app, IReadOnlyList<Task> loops, CancellationTokenSource stopping, string host)
    {
        (_app, _loops, _stopping) = (app, loops, stopping);
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        Endpoint = new DnsEndPoint(host, new Uri(address).Port);
    }

    /// <summary>Where it listens: the host as it was given, and the port that was taken.</summary>
    public DnsEndPoint Endpoint { get; }

    /// <summary>Every route as it is mapped, as <c>METHOD /pattern</c>.</summary>
    internal IReadOnlyList<string> Routes =>
        [.. ((IEndpointRouteBuilder)_app).DataSources.SelectMany(s => s.Endpoints).OfType<RouteEndpoint>()
        .SelectMany(e => e.Metadata.GetRequiredMetadata<HttpMethodMetadata>().HttpMethods.Select(m => $"{m} {e.RoutePattern.RawText}"))];

    /// <summary>Begins to listen.</summary>
    /// <param name="intake">How studies are accepted; null where their files are in place and nothing is looked at before they run.</param>
    /// <exception cref="StudyException">It cannot listen there, or an address that others can reach has no token.</exception>
    public static async Task<WebHost> StartAsync(
        IStudyDesk desk, IStudyPlanner planner, IStudyReducer reducer, IPartialResults partial, WebOptions options,
        StudyIntake? intake = null)
    {
        if (options.Token is { } token && token.Trim().Length == 0)
            throw new StudyException("the token is empty", "INTERP_TOKEN", "give one, or none at all");
        var addresses = await ResolveAsync(options.Host);
        if (options.Token is null && !addresses.All(IPAddress.IsLoopback))
            throw new StudyException($"{options.Host} can be reached from other machines, so a token is needed", "--http",
                "give one in INTERP_TOKEN, or listen on 127.0.0.1");

        var stopping = new CancellationTokenSource();
        var watch = new ClusterWatch(desk, stopping.Token);
        intake ??= new StudyIntake(new FilesInPlace());
        var keeper = new InputKeeper(desk, async () => (await watch.LatestAsync()).Studies, intake);
        var app = Build(desk, planner, reducer, partial, options, addresses, watch, intake, keeper, stopping.Token);
        try
        {
            await app.StartAsync();
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            await app.DisposeAsync();
            throw new StudyException($"cannot listen on {options.Host}:{options.Port} ({e.Message})", "--http",
                "choose another port, or 0 for a free one", e);
        }
        return new WebHost(app, [watch.Ended, Task.Run(() => keeper.RunAsync(stopping.Token))], stopping, options.Host);
    }

    public async ValueTask DisposeAsync()
    {
        if (_stopping.IsCancellationRequested) return;
        // Event streams have no end of their own.
        await _stopping.CancelAsync();
        await _app.StopAsync(TimeSpan.FromSeconds(5));
        await _app.DisposeAsync();
        await Task.WhenAll(_loops);
        _stopping.Dispose();
    }

    private static WebApplication Build(
        IStudyDesk desk, IStudyPlanner planner, IStudyReducer reducer, IPartialResults partial, WebOptions options, IPAddress[] addresses,
        ClusterWatch watch, StudyIntake intake, InputKeeper keeper, CancellationToken stopping)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        // Signals are the node's to handle.
        builder.Services.AddSingleton<IHostLifetime, NodeLifetime>();
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<MeterFigures>();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = options.MaximumBody;
            kestrel.Limits.MaxConcurrentConnections = 512;
            kestrel.Listen(addresses[0], options.Port, listen =>
            {
                if (options.Certificate is { } certificate) listen.UseHttps(certificate);
            });
        });
        var app = builder.Build();
        var streams = new EventStreams(desk, watch, options, stopping);
        var routes = new List<ApiRoute>();
        routes.AddRange(new StudyRoutes(desk, planner, new Submissions(desk, planner, intake, keeper, options)).All());
        var results = new ResultStore(desk, planner, reducer, options.DataFolder, intake.Artifacts);
        routes.AddRange(new ResultRoutes(desk, results).All());
        if (intake.Artifacts is { } artifacts) routes.AddRange(new ArtifactRoutes(intake, artifacts, results).All());
        routes.Add(new LiveMaps(desk, planner, partial, options).Route());
        routes.AddRange(streams.All());
        routes.AddRange(ClusterRoutes.All(desk, app.Services.GetRequiredService<MeterFigures>()));
        routes.Add(OpenApi.Route(routes));
        var gate = new AccessGate(options.Token);
        app.Use(next => http => RequestGuard.PassAsync(http, next, gate, options.MaximumBody));
        foreach (var route in routes) app.MapMethods(route.Pattern, [route.Method], route.Handle).WithMetadata(route);
        return app;
    }

    private static async Task<IPAddress[]> ResolveAsync(string host)
    {
        try
        {
            // The first address is the one that is listened on.
            return IPAddress.TryParse(host, out var address) ? [address] : (await Dns.GetHostAddressesAsync(host))[..1];
        }
        catch (Exception e) when (e is SocketException or ArgumentException or IndexOutOfRangeException)
        {
            throw new StudyException($"'{host}' is no address of this machine ({e.Message})", "--host", "write e.g. 127.0.0.1", e);
        }
    }

    private sealed class NodeLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
