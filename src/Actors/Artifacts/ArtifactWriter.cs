using System.Security.Cryptography;
using InterpActors.Messages.Artifacts;

namespace InterpActors.Actors.Artifacts;

/// <summary>
/// Writes one artifact, in order, hashing on the way. What was written before an interruption is gone on with; what has the wrong hash in
/// the end is thrown away. For one thread at a time.
/// </summary>
public sealed class ArtifactWriter : IDisposable
{
    private readonly ArtifactStore _store;
    private readonly string _path;
    private readonly FileStream _file;
    private IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private bool _disposed;

    internal ArtifactWriter(ArtifactStore store, ArtifactId artifact, string path, long bytes)
    {
        (_store, Artifact, _path, Bytes) = (store, artifact, path, bytes);
        _file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 0);
        try
        {
            if (_file.Length > bytes) _file.SetLength(0);
            var buffer = new byte[1 << 20];
            for (int read; (read = _file.Read(buffer)) > 0;) _hash.AppendData(buffer, 0, read);
        }
        catch
        {
            _file.Dispose();
            _hash.Dispose();
            throw;
        }
    }

    public ArtifactId Artifact { get; }

    /// <summary>How long the whole is.</summary>
    public long Bytes { get; }

    /// <summary>How much is there; the next byte goes here.</summary>
    public long Offset => _file.Position;

    /// <summary>True once the artifact is in the store.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Appends.</summary>
    /// <exception cref="ArgumentException">It would be longer than it is to be.</exception>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Write(ReadOnlySpan<byte> content)
    {
        if (Offset + content.Length > Bytes) throw new ArgumentException("more bytes than were announced", nameof(content));
        _file.Write(content);
        _hash.AppendData(content);
    }

    /// <summary>Throws away what is there.</summary>
    public void Restart()
    {
        _file.SetLength(0);
        _file.Position = 0;
        _hash.Dispose();
        _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    }

    /// <summary>Makes the artifact of what was written.</summary>
    /// <returns>False where the bytes are not what the name says; nothing is kept of them.</returns>
    /// <exception cref="IOException">It cannot be written.</exception>
    public bool Complete()
    {
        if (Offset != Bytes || ArtifactId.Of(_hash.GetHashAndReset()) != Artifact)
        {
            _file.Dispose();
            File.Delete(_path);
            Dispose();
            return false;
        }
        _file.Flush(flushToDisk: true);
        _file.Dispose();
        _store.Commit(Artifact, _path);
        IsComplete = true;
        Dispose();
        return true;
    }

    /// <summary>Ends writing; what is there is kept for the next writer.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _file.Dispose();
        _hash.Dispose();
        _store.Ended(Artifact);
    }
}
