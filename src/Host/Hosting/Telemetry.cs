using Akka.Configuration;
using InterpActors.Actors.Telemetry;
using InterpActors.Messages.Studies;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace InterpActors.Host.Hosting;

/// <summary>
/// Sends traces (studies, units, HTTP requests) and figures over OTLP, where <c>interp.telemetry.endpoint</c> or the environment variable
/// <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> says where to; otherwise nothing is made.
/// </summary>
internal sealed class Telemetry : IDisposable
{
    private const string Variable = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string HttpRequests = "Microsoft.AspNetCore";

    /// <summary>What is not sent within that time at the end is lost.</summary>
    private const int LastWords = 3000;

    private readonly TracerProvider? _traces;
    private readonly MeterProvider? _meters;

    private Telemetry(TracerProvider? traces, MeterProvider? meters) => (_traces, _meters) = (traces, meters);

    /// <exception cref="StudyException">The endpoint or its protocol is none.</exception>
    public static Telemetry Start(Config config)
    {
        var endpoint = config.GetString("interp.telemetry.endpoint", "");
        if (endpoint.Length == 0 && string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Variable))) return new Telemetry(null, null);
        var set = endpoint.Length == 0 ? (_ => _ => { }) : Options(endpoint, config.GetString("interp.telemetry.protocol", ""));
        // The SDK's own variables (OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES) win.
        var self = ResourceBuilder.CreateEmpty()
            .AddService("interp", serviceVersion: typeof(Telemetry).Assembly.GetName().Version!.ToString(3),
                serviceInstanceId: $"{Environment.MachineName}-{Environment.ProcessId}")
            .AddEnvironmentVariableDetector();
        return new Telemetry(
            Sdk.CreateTracerProviderBuilder().SetResourceBuilder(self).AddSource(Traces.Name, HttpRequests)
                .AddOtlpExporter(set("traces")).Build(),
            Sdk.CreateMeterProviderBuilder().SetResourceBuilder(self).AddMeter(Meters.Name).AddOtlpExporter(set("metrics")).Build());
    }

    public void Dispose()
    {
        _traces?.Shutdown(LastWords);
        _meters?.Shutdown(LastWords);
        _traces?.Dispose();
        _meters?.Dispose();
    }

    private static Func<string, Action<OtlpExporterOptions>> Options(string endpoint, string protocol)
    {
        const string key = "interp.telemetry";
        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            throw new StudyException($"'{endpoint}' is no address", $"{key}.endpoint", "write e.g. http://127.0.0.1:4318");
        var isHttp = protocol switch
        {
            "http/protobuf" => true,
            "grpc" => false,
            _ => throw new StudyException($"'{protocol}' is no protocol", $"{key}.protocol", "http/protobuf or grpc"),
        };
        return signal => options =>
        {
            options.Protocol = isHttp ? OtlpExportProtocol.HttpProtobuf : OtlpExportProtocol.Grpc;
            options.Endpoint = isHttp ? new Uri($"{endpoint.TrimEnd('/')}/v1/{signal}") : address;
        };
    }
}
