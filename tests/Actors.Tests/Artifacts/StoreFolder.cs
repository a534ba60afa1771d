using System.Security.Cryptography;
using InterpActors.Actors.Artifacts;
using InterpActors.Messages.Artifacts;

namespace InterpActors.Actors.Tests.Artifacts;

/// <summary>A folder for stores, deleted in the end, and files to put into them.</summary>
internal sealed class StoreFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("artifacts-").FullName;

    public static byte[] Content(int seed, int length)
    {
        var content = new byte[length];
        new Random(seed).NextBytes(content);
        return content;
    }

    public static ArtifactId Id(byte[] content) => ArtifactId.Of(SHA256.HashData(content));

    public ArtifactStore Store(string name = "store", long limit = long.MaxValue) => new(At(name), limit);

    public string At(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Puts a file into a store.</summary>
    public static ArtifactId Put(ArtifactStore store, byte[] content)
    {
        using var writer = store.BeginWrite(Id(content), content.Length);
        Assert.NotNull(writer);
        writer.Write(content);
        Assert.True(writer.Complete());
        return Id(content);
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
