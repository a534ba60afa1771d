using InterpActors.Messages.Artifacts;

namespace InterpActors.Messages.Studies;

/// <summary>One file that a study's results depend on, pinned to its content.</summary>
/// <param name="Path">What the study names: the file, or the folder (or shipped model) that the file belongs to;
/// as the user wrote it.</param>
/// <param name="Name">The file's place in that folder, with <c>/</c>; null where <paramref name="Path"/> names the file itself.</param>
/// <param name="Sha256">Of its content.</param>
public sealed record StudyInput(string Path, string? Name, ArtifactId Sha256, long Bytes);
