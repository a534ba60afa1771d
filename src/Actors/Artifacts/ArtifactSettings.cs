using Akka.Configuration;

namespace InterpActors.Actors.Artifacts;

/// <summary>The <c>interp.artifacts</c> section of the configuration; every value is documented in <c>hocon/artifacts.conf</c>.</summary>
/// <param name="CacheLimit">Bytes that a node's store may hold.</param>
/// <param name="UploadLimit">Largest file, in bytes, that the HTTP API takes.</param>
/// <param name="Window">Pieces on their way to one fetch at a time.</param>
/// <param name="Receivers">Nodes that are served at a time.</param>
/// <param name="Parallel">Files that a node fetches at a time.</param>
/// <param name="PieceTimeout">A source that has sent nothing for so long is given up.</param>
/// <param name="Patience">So long a fetch goes on without a source.</param>
public sealed record ArtifactSettings(
    long CacheLimit, long UploadLimit, int Window, int Receivers, int Parallel, TimeSpan PieceTimeout, TimeSpan Patience)
{
    /// <exception cref="ConfigurationException">The section is missing or a value is out of range.</exception>
    public static ArtifactSettings From(Config config)
    {
        var section = config.GetConfig("interp.artifacts") ?? throw new ConfigurationException("interp.artifacts is not configured");
        return new ArtifactSettings(
            Bytes(section, "cache-limit"), Bytes(section, "upload-limit"), Count(section, "window", 64),
            Count(section, "receivers", 10_000), Count(section, "parallel", 64),
            section.GetTimeSpan("piece-timeout"), section.GetTimeSpan("patience"));
    }

    private static long Bytes(Config section, string key) =>
        section.GetByteSize(key) is > 0 and { } bytes ? bytes
            : throw new ConfigurationException($"interp.artifacts.{key} must be a size above 0");

    private static int Count(Config section, string key, int most) =>
        section.GetInt(key) is var n && n >= 1 && n <= most ? n
            : throw new ConfigurationException($"interp.artifacts.{key} must be 1 to {most}");
}
