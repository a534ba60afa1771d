using InterpActors.Messages.Artifacts;

namespace InterpActors.Actors.Artifacts;

// Between a node's artifacts and its actors, always in one process.

/// <summary>Bring this file into the store. Answered by <see cref="Fetched"/> or <see cref="NotFetched"/>.</summary>
internal sealed record FetchArtifact(ArtifactId Artifact, long Bytes);

/// <summary>It is in the store.</summary>
internal sealed record Fetched(ArtifactId Artifact);

/// <summary>It cannot be had.</summary>
/// <param name="Problem">One line.</param>
/// <param name="ForLackOfRoom">This machine cannot hold it, whoever has it.</param>
internal sealed record NotFetched(ArtifactId Artifact, string Problem, bool ForLackOfRoom = false);
