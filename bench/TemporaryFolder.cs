namespace InterpActors.Bench;

/// <summary>A folder that goes when it is disposed.</summary>
public sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("interp-bench-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
