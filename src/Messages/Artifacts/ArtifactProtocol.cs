using InterpActors.Messages.Cluster;

namespace InterpActors.Messages.Artifacts;

/// <summary>Node to node: who has this file? Answered by <see cref="ArtifactFound"/> or <see cref="ArtifactMissing"/>.</summary>
public sealed record FindArtifact(ArtifactId Artifact) : IWireMessage;

/// <summary>It is here.</summary>
/// <param name="Busy">True where as many nodes are being served as there may be; ask again.</param>
public sealed record ArtifactFound(ArtifactId Artifact, long Bytes, bool Busy) : IWireMessage;

/// <summary>It is not here, or cannot be read.</summary>
public sealed record ArtifactMissing(ArtifactId Artifact) : IWireMessage;

/// <summary>Node to node: a piece of the file, please. Answered by <see cref="ArtifactChunk"/> or <see cref="ArtifactMissing"/>.</summary>
/// <param name="Length">At most <see cref="ArtifactChunk.LargestLength"/>; the last piece is shorter.</param>
public sealed record ReadArtifact(ArtifactId Artifact, long Offset, int Length) : IWireMessage;

/// <summary>
/// Node to coordinator: fetch this file and keep it. Answered by <see cref="ArtifactKept"/> or <see cref="ArtifactNotKept"/>; may be sent
/// again.
/// </summary>
/// <param name="AsResult">It must never go.</param>
public sealed record KeepArtifact(ArtifactId Artifact, long Bytes, bool AsResult) : IWireMessage;

/// <summary>It is in the coordinator's store.</summary>
public sealed record ArtifactKept(ArtifactId Artifact) : IWireMessage;

/// <summary>It cannot be kept.</summary>
/// <param name="Problem">One line.</param>
public sealed record ArtifactNotKept(ArtifactId Artifact, string Problem) : IWireMessage;

/// <summary>A piece of a file. Whoever receives it trusts only the hash of the whole.</summary>
public sealed record ArtifactChunk(ArtifactId Artifact, long Offset, byte[] Content) : IWireMessage
{
    /// <summary>
    /// Small enough that heartbeats behind a few of them on the same connection are not late, and that neither a piece nor what it is
    /// written as on the wire is a large object to the garbage collector.
    /// </summary>
    public const int LargestLength = 48 << 10;
}
